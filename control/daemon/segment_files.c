/* SPDX-License-Identifier: BSD-3-Clause */
/* See segment_files.h. */
#include "daemon/segment_files.h"

#include "daemon/file.h"
#include "daemon/ledger.h"
#include "board.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MOST = STORE_HELD * (SEGMENT_KINDS + 1) };

/* Files of the segments' folder that must stay. */
struct names {
	char name[NAMES_MOST][SEGMENT_FILE_NAME];
	unsigned count;
};

void segment_file(char name[SEGMENT_FILE_NAME], unsigned kind, uint64_t hash)
{
	snprintf(name, SEGMENT_FILE_NAME, STATE_SEGMENTS "/%s-%016llx", segment_name(kind),
		 (unsigned long long)hash);
}

uint64_t segment_hash(const struct segment *segment)
{
	return ((const struct segment_header *)segment->data)->hash;
}

/*
 * Make the spare file of a kind, if there is one, the file `name`. False: it could not be. One
 * that is being written ahead may be the same, and found to be there.
 */
static bool reuse(struct store *store, unsigned kind, const char *name,
		  const struct segment *segment)
{
	char spare[SEGMENT_FILE_NAME];

	if (store->spare[kind] == 0 || (kind == SEGMENT_SINGLES && store->writes_ahead))
		return false;
	segment_file(spare, kind, store->spare[kind]);
	store->spare[kind] = 0;
	return file_reuse(store->folder, spare, name, segment->data, segment->size) == 0;
}

int segment_files_put(struct store *store, const struct compiled *compiled,
		      const struct compiled *previous, struct error *error)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment *segment = compiled->segment[kind];
		uint64_t hash = segment_hash(segment);
		char name[SEGMENT_FILE_NAME];
		int result;

		/* Wanted again: it is there, and whole. */
		if (hash == store->spare[kind])
			store->spare[kind] = 0;
		if (hash == store->ahead ||
		    (previous && hash == segment_hash(previous->segment[kind])))
			continue;
		segment_file(name, kind, hash);
		if (reuse(store, kind, name, segment))
			continue;
		result = file_create(store->folder, name, segment->data, segment->size, 0640);
		if (result)
			return store_fault(store, name, error, "%s", strerror(-result));
	}
	return 0;
}

int segment_file_write(const struct store *store, unsigned kind, const struct segment *segment)
{
	char name[SEGMENT_FILE_NAME];
	int result;

	segment_file(name, kind, segment_hash(segment));
	result = file_create(store->folder, name, segment->data, segment->size, 0640);
	return result ? result : file_sync(store->folder, name);
}

int segment_files_sync(const struct store *store, const struct manifest *manifest,
		       const struct manifest *durable, struct error *error)
{
	int result;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		char name[SEGMENT_FILE_NAME];

		if (manifest->segment[kind].hash == durable->segment[kind].hash)
			continue;
		segment_file(name, kind, manifest->segment[kind].hash);
		result = file_sync(store->folder, name);
		if (result)
			return store_fault(store, name, error, "%s", strerror(-result));
	}
	result = file_sync(store->folder, STATE_SEGMENTS);
	if (result)
		return store_fault(store, STATE_SEGMENTS, error, "%s", strerror(-result));
	return 0;
}

static bool is_held(const struct store *store, unsigned kind, uint64_t hash)
{
	for (unsigned i = 0; i < STORE_HELD; i++) {
		if (store->held[i].segment[kind].hash == hash)
			return true;
	}
	return false;
}

void segment_files_spare(struct store *store, const struct manifest *manifest)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		uint64_t hash = manifest->segment[kind].hash;

		if (store->reuses && store->spare[kind] == 0 && !is_held(store, kind, hash))
			store->spare[kind] = hash;
	}
}

static void name_manifest(struct names *names, const struct manifest *manifest)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		char path[SEGMENT_FILE_NAME];

		segment_file(path, kind, manifest->segment[kind].hash);
		strcpy(names->name[names->count++], path + strlen(STATE_SEGMENTS "/"));
	}
	ledger_file(names->name[names->count++], manifest->ledger.name);
}

/* Whether it is of the kind that is being written before a manifest names it. */
static bool is_ahead(const struct store *store, const char *file)
{
	const char *kind = segment_name(SEGMENT_SINGLES);

	return store->writes_ahead && strncmp(file, kind, strlen(kind)) == 0;
}

static bool is_named(const struct names *names, const char *file)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (strcmp(names->name[i], file) == 0)
			return true;
	}
	return false;
}

static void remove_but(const struct store *store, const struct names *names)
{
	int fd = openat(store->folder, STATE_SEGMENTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder && fd >= 0)
		close(fd);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] != '.' && !is_named(names, entry->d_name) &&
		    !is_ahead(store, entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	closedir(folder);
}

void segment_files_collect(struct store *store)
{
	struct manifest found[STORE_HELD];
	struct names names = {.count = 0};

	if (store_manifests(store, found) != 0)
		return;
	for (unsigned i = 0; i < STORE_HELD; i++)
		name_manifest(&names, &found[i]);
	remove_but(store, &names);
	memset(store->spare, 0, sizeof store->spare);
}
