/* SPDX-License-Identifier: BSD-3-Clause */
/* The state folder. See store.h. */
#include "daemon/store.h"

#include "daemon/file.h"
#include "board.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_SALT "salt"

enum { SEGMENT_FILE_NAME = 64 };

static void segment_file(char name[SEGMENT_FILE_NAME], unsigned kind, uint64_t hash)
{
	snprintf(name, SEGMENT_FILE_NAME, "%s-%016llx", segment_name(kind),
		 (unsigned long long)hash);
}

static uint64_t segment_hash(const struct segment *segment)
{
	return ((const struct segment_header *)segment->data)->hash;
}

int store_open(const char *path, struct store *store, struct error *error)
{
	struct store opened;

	opened.folder = file_folder(AT_FDCWD, path, 0750);
	if (opened.folder < 0)
		return error_set(error, ERROR_DEGRADED, path, "%s", strerror(-opened.folder));
	if (flock(opened.folder, LOCK_EX | LOCK_NB)) {
		error_set(error, ERROR_LOCKED, path, "%s",
			  errno == EWOULDBLOCK ? "another sluiced writes there" : strerror(errno));
		close(opened.folder);
		return -1;
	}
	opened.segments = file_folder(opened.folder, STATE_SEGMENTS, 0750);
	if (opened.segments < 0) {
		close(opened.folder);
		return error_set(error, ERROR_DEGRADED, path, STATE_SEGMENTS ": %s",
				 strerror(-opened.segments));
	}
	*store = opened;
	return 0;
}

void store_close(struct store *store)
{
	close(store->segments);
	close(store->folder);
}

int store_salt(const struct store *store, uint8_t salt[16], struct error *error)
{
	uint8_t *old, new[16];
	size_t size;
	int result = file_read(store->folder, STORE_SALT, sizeof new, &old, &size);

	if (result == 0 && size == sizeof new) {
		memcpy(salt, old, sizeof new);
		free(old);
		return 0;
	}
	if (result == 0) {
		/* Another one would let in other clients than those that are in: not unasked. */
		free(old);
		return error_set(error, ERROR_DEGRADED, STORE_SALT, "is %zu bytes long, not 16",
				 size);
	}
	if (result == -ENOENT) {
		if (getrandom(new, sizeof new, 0) != sizeof new)
			result = -EIO;
		else
			result = file_replace(store->folder, STORE_SALT, new, sizeof new, 0600,
					      true);
	}
	if (result)
		return error_set(error, ERROR_DEGRADED, STORE_SALT, "%s", strerror(-result));
	memcpy(salt, new, sizeof new);
	return 0;
}

static int load_manifest(const struct store *store, const char *name, struct manifest *manifest,
			 struct error *error)
{
	struct image_error image_error;
	uint8_t *data;
	size_t size;
	int result = file_read(store->folder, name, sizeof *manifest, &data, &size);

	if (result) {
		error_set(error, ERROR_DEGRADED, name, "%s", strerror(-result));
		return result;
	}
	result = manifest_check((const struct manifest *)(void *)data, size, &image_error);
	if (result)
		error_set(error, ERROR_DEGRADED, name, "%s", image_error.message);
	else
		memcpy(manifest, data, sizeof *manifest);
	free(data);
	return result;
}

static struct segment *load_segment(const struct store *store, unsigned kind,
				    const struct manifest_segment *expected, struct error *error)
{
	struct image_error image_error;
	char name[SEGMENT_FILE_NAME];
	struct segment *segment = NULL;
	uint8_t *data;
	size_t size;
	int result;

	segment_file(name, kind, expected->hash);
	result = file_read(store->segments, name, expected->size, &data, &size);
	if (result) {
		error_set(error, ERROR_DEGRADED, name, "%s", strerror(-result));
		return NULL;
	}
	if (size != expected->size)
		error_set(error, ERROR_DEGRADED, name, "size is not the manifest's");
	else if (segment_check(kind, data, expected, &image_error))
		error_set(error, ERROR_DEGRADED, name, "%s%s%s", image_error.array,
			  *image_error.array ? ": " : "", image_error.message);
	else if (!(segment = malloc(sizeof *segment)))
		error_set(error, ERROR_CAPACITY, name, "no memory");
	if (segment)
		*segment = (struct segment){.references = 1, .data = data, .size = size};
	else
		free(data);
	return segment;
}

static int check_whole(const struct compiled *compiled, const char *name, struct error *error)
{
	void *segments[SEGMENT_KINDS];
	struct image_error image_error;
	struct image image;

	for (unsigned i = 0; i < SEGMENT_KINDS; i++)
		segments[i] = compiled->segment[i]->data;
	if (image_open(segments, &image, &image_error) == 0)
		return 0;
	return error_set(error, ERROR_DEGRADED, name, "%s: %s: %s", image_error.segment,
			 image_error.array, image_error.message);
}

enum store_found store_load(const struct store *store, const char *name, struct manifest *manifest,
			    struct compiled *compiled, struct error *error)
{
	struct compiled loaded = {0};
	int result;

	memset(manifest, 0, sizeof *manifest);
	result = load_manifest(store, name, manifest, error);
	if (result)
		return result == -ENOENT ? STORE_ABSENT : STORE_BAD;
	for (unsigned i = 0; i < SEGMENT_KINDS && result == 0; i++) {
		loaded.segment[i] = load_segment(store, i, &manifest->segment[i], error);
		result = loaded.segment[i] ? 0 : -1;
	}
	if (result || check_whole(&loaded, name, error)) {
		compiled_unref(&loaded);
		return STORE_BAD;
	}
	*compiled = loaded;
	return STORE_LOADED;
}

static int put_segments(const struct store *store, const struct compiled *compiled,
			const struct compiled *previous, struct error *error)
{
	for (unsigned i = 0; i < SEGMENT_KINDS; i++) {
		const struct segment *segment = compiled->segment[i];
		char name[SEGMENT_FILE_NAME];
		int result;

		if (previous && segment_hash(segment) == segment_hash(previous->segment[i]))
			continue;
		segment_file(name, i, segment_hash(segment));
		result = file_create(store->segments, name, segment->data, segment->size, 0640);
		if (result)
			return error_set(error, ERROR_DEGRADED, name, "%s", strerror(-result));
	}
	return 0;
}

static const char *const manifest_names[] = {STATE_CURRENT, STATE_WANTED, STORE_FORMER};

enum { MANIFESTS = sizeof manifest_names / sizeof *manifest_names };

/* Whether a manifest names this file of the segments folder. */
static bool is_named(const char *file, const struct manifest manifests[MANIFESTS])
{
	char name[SEGMENT_FILE_NAME];

	for (unsigned i = 0; i < MANIFESTS * SEGMENT_KINDS; i++) {
		unsigned kind = i % SEGMENT_KINDS;

		segment_file(name, kind, manifests[i / SEGMENT_KINDS].segment[kind].hash);
		if (strcmp(file, name) == 0)
			return true;
	}
	return false;
}

static DIR *segments_list(const struct store *store)
{
	int fd = openat(store->segments, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder && fd >= 0)
		close(fd);
	return folder;
}

/* Drop what no manifest names. One that is there but not readable may name anything. */
static void collect(const struct store *store)
{
	struct manifest manifests[MANIFESTS] = {0};
	struct dirent *entry;
	struct error ignored;
	DIR *folder;

	for (unsigned i = 0; i < MANIFESTS; i++) {
		int result = load_manifest(store, manifest_names[i], &manifests[i], &ignored);

		if (result && result != -ENOENT)
			return;
	}
	folder = segments_list(store);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] != '.' && !is_named(entry->d_name, manifests))
			unlinkat(store->segments, entry->d_name, 0);
	}
	closedir(folder);
}

int store_put(const struct store *store, const struct manifest *manifest,
	      const struct compiled *compiled, const struct compiled *previous, struct error *error)
{
	int result;

	if (put_segments(store, compiled, previous, error) == 0) {
		result = file_swap(store->folder, STATE_WANTED, STORE_FORMER, manifest,
				   sizeof *manifest, 0640);
		if (result == 0)
			return 0;
		error_set(error, ERROR_DEGRADED, STATE_WANTED, "%s", strerror(-result));
	}
	collect(store);
	return -1;
}

static int sync_segments(const struct store *store, const struct manifest *manifest,
			 struct error *error)
{
	int result;

	for (unsigned i = 0; i < SEGMENT_KINDS; i++) {
		char name[SEGMENT_FILE_NAME];

		segment_file(name, i, manifest->segment[i].hash);
		result = file_sync(store->segments, name);
		if (result)
			return error_set(error, ERROR_DEGRADED, name, "%s", strerror(-result));
	}
	result = file_sync(store->segments, ".");
	if (result)
		return error_set(error, ERROR_DEGRADED, STATE_SEGMENTS, "%s", strerror(-result));
	return 0;
}

int store_keep(const struct store *store, const struct manifest *manifest, struct error *error)
{
	int result;

	if (sync_segments(store, manifest, error))
		return -1;
	result = file_replace(store->folder, STATE_CURRENT, manifest, sizeof *manifest, 0640, true);
	if (result)
		return error_set(error, ERROR_DEGRADED, STATE_CURRENT, "%s", strerror(-result));
	unlinkat(store->folder, STORE_FORMER, 0);
	collect(store);
	return 0;
}

void store_forget_wanted(const struct store *store)
{
	unlinkat(store->folder, STATE_WANTED, 0);
	collect(store);
}
