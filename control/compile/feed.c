/* SPDX-License-Identifier: BSD-3-Clause */
/* All feeds of a policy. See feed.h. */
#include "compile/feeds.h"

#include "compile/memory.h"
#include "siphash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEED_LIBLOC_PATH "/var/lib/location/database.db"

/* What a policy that names no feeds reads. */
static const struct feed_params default_feed = {.type = FEED_LIBLOC};

static const struct feed_params *feeds_of(const struct policy *policy, size_t *count)
{
	*count = policy->has_feeds ? policy->feed_count : 1;
	return policy->has_feeds ? policy->feeds : &default_feed;
}

static const char *libloc_path(const struct feed_paths *paths)
{
	return paths->libloc ? paths->libloc : FEED_LIBLOC_PATH;
}

void feed_init(struct feed_data *data)
{
	forests_init(data->forest);
}

int feed_add(struct feed_data *data, const struct feed_prefix *prefix, const char *where,
	     struct error *error)
{
	struct forest *forest = &data->forest[prefix->prefix.ip6];

	if (forest->count == CAP_ORIGIN_PREFIXES)
		return error_set(error, ERROR_CAPACITY, where,
				 "feeds hold more than %d prefixes of IPv%d", CAP_ORIGIN_PREFIXES,
				 prefix->prefix.ip6 ? 6 : 4);
	if (forests_add(data->forest, &prefix->prefix, prefix->asn) != 0)
		return no_memory(error);
	forest->nodes[forest->count - 1].kind = feed_country(prefix->country);
	return 0;
}

int feed_read(const struct policy *policy, const struct feed_paths *paths, struct feed_data *data,
	      struct error *error)
{
	size_t count;
	const struct feed_params *feeds = feeds_of(policy, &count);
	int result = 0;

	feed_init(data);
	for (size_t i = 0; result == 0 && i < count; i++) {
		if (feeds[i].type == FEED_LIBLOC)
			result = feed_libloc(libloc_path(paths), data, error);
		else
			result = feed_csv(paths->folder, feeds[i].file, data, error);
	}
	if (result != 0)
		feed_free(data);
	return result;
}

void feed_free(struct feed_data *data)
{
	forests_free(data->forest);
}

static int stat_feed(const struct feed_params *feed, const struct feed_paths *paths,
		     struct stat *status)
{
	struct error error;
	int file, result;

	if (feed->type == FEED_LIBLOC)
		return stat(libloc_path(paths), status);
	file = feed_csv_open(paths->folder, feed->file, &error);
	if (file < 0)
		return -1;
	result = fstat(file, status);
	close(file);
	return result;
}

uint64_t feed_stamp(const struct policy *policy, const struct feed_paths *paths)
{
	struct siphash_state state = siphash_start((struct siphash_key){0, 0});
	size_t count;
	const struct feed_params *feeds = feeds_of(policy, &count);
	uint64_t stamp;

	for (size_t i = 0; i < count; i++) {
		const char *name = feeds[i].type == FEED_CSV ? feeds[i].file : libloc_path(paths);
		struct stat status;

		if (stat_feed(&feeds[i], paths, &status) != 0)
			return 0;
		siphash_word(&state, feeds[i].type);
		siphash_word(&state, image_hash(name, strlen(name)));
		siphash_word(&state, status.st_dev);
		siphash_word(&state, status.st_ino);
		siphash_word(&state, (uint64_t)status.st_size);
		siphash_word(&state, (uint64_t)status.st_ctim.tv_sec);
		siphash_word(&state, (uint64_t)status.st_ctim.tv_nsec);
	}
	stamp = siphash_finish(&state);
	return stamp ? stamp : 1;
}
