/* SPDX-License-Identifier: BSD-3-Clause */
/* The state folder. See store.h. */
#include "daemon/store.h"

#include "daemon/file.h"
#include "daemon/ledger.h"
#include "daemon/segment_files.h"
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_SALT "salt"
/* What file_replace() writes first, so that nothing new is left by who dies in between. */
#define STORE_PROBE STATE_CURRENT ".tmp"

enum { SALT_BYTES = 16 };

static const char *const manifest_names[STORE_HELD] = {STATE_CURRENT, STATE_WANTED, STATE_FORMER};

int store_fault(const struct store *store, const char *name, struct error *error,
		const char *format, ...)
{
	char path[PATH_MAX], message[sizeof error->message];
	va_list arguments;

	snprintf(path, sizeof path, "%s/%s", store->path, name);
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	return error_set(error, ERROR_DEGRADED, path, "%s", message);
}

int store_open(const char *path, struct store *store, struct error *error)
{
	struct store opened = {.path = path};

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
		return store_fault(&opened, STATE_SEGMENTS, error, "%s",
				   strerror(-opened.segments));
	}
	opened.reuses = store_manifests(&opened, opened.held) == 0;
	*store = opened;
	return 0;
}

void store_close(struct store *store)
{
	close(store->segments);
	close(store->folder);
}

int store_check_writable(const struct store *store, struct error *error)
{
	static const struct manifest nothing;
	int result = file_create(store->folder, STORE_PROBE, &nothing, sizeof nothing, 0600);

	if (result)
		return error_set(error, ERROR_DEGRADED, store->path, "cannot be written: %s",
				 strerror(-result));
	unlinkat(store->folder, STORE_PROBE, 0);
	return 0;
}

/* 0, or -errno with *error; -EBADMSG: it is not a salt's length. */
static int read_salt(const struct store *store, uint8_t salt[SALT_BYTES], struct error *error)
{
	uint8_t *data;
	size_t size;
	int result = file_read(store->folder, STORE_SALT, SALT_BYTES, &data, &size);

	if (result) {
		store_fault(store, STORE_SALT, error, "%s", strerror(-result));
		return result;
	}
	if (size == SALT_BYTES) {
		memcpy(salt, data, SALT_BYTES);
	} else {
		store_fault(store, STORE_SALT, error, "is not %d bytes long", SALT_BYTES);
		result = -EBADMSG;
	}
	free(data);
	return result;
}

int store_check_salt(const struct store *store, struct error *error)
{
	uint8_t ignored[SALT_BYTES];
	int result = read_salt(store, ignored, error);

	return result && result != -ENOENT ? -1 : 0;
}

int store_salt(const struct store *store, const uint8_t *in_force, uint8_t salt[16],
	       struct error *error)
{
	uint8_t new[SALT_BYTES];
	int result = read_salt(store, salt, error);

	if (result == 0)
		return 0;
	/* Another salt would let in other clients than those that are in: not unasked. */
	if (result != -ENOENT && !(result == -EBADMSG && in_force))
		return -1;
	if (in_force)
		memcpy(new, in_force, sizeof new);
	else if (getrandom(new, sizeof new, 0) != sizeof new)
		return store_fault(store, STORE_SALT, error,
				   "there is no randomness to make it of");
	result = file_replace(store->folder, STORE_SALT, new, sizeof new, 0600, true);
	if (result)
		return store_fault(store, STORE_SALT, error, "%s", strerror(-result));
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
		store_fault(store, name, error, "%s", strerror(-result));
		return result;
	}
	result = manifest_check((const struct manifest *)(void *)data, size, &image_error);
	if (result)
		store_fault(store, name, error, "%s", image_error.message);
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
	result = file_read(store->folder, name, expected->size, &data, &size);
	if (result) {
		store_fault(store, name, error, "%s", strerror(-result));
		return NULL;
	}
	if (size != expected->size)
		store_fault(store, name, error, "size is not the manifest's");
	else if (segment_check(kind, data, expected, &image_error))
		store_fault(store, name, error, "%s%s%s", image_error.array,
			    *image_error.array ? ": " : "", image_error.message);
	else if (!(segment = malloc(sizeof *segment)))
		store_fault(store, name, error, "no memory");
	if (segment)
		*segment = (struct segment){.references = 1, .data = data, .size = size};
	else
		free(data);
	return segment;
}

static int check_whole(const struct store *store, const struct compiled *compiled, const char *name,
		       struct error *error)
{
	void *segments[SEGMENT_KINDS];
	struct image_error image_error;
	struct image image;

	for (unsigned i = 0; i < SEGMENT_KINDS; i++)
		segments[i] = compiled->segment[i]->data;
	if (image_open(segments, &image, &image_error) == 0)
		return 0;
	return store_fault(store, name, error, "%s: %s: %s", image_error.segment, image_error.array,
			   image_error.message);
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
	if (result || check_whole(store, &loaded, name, error)) {
		compiled_unref(&loaded);
		return STORE_BAD;
	}
	*compiled = loaded;
	return STORE_LOADED;
}

int store_manifests(const struct store *store, struct manifest manifests[STORE_HELD])
{
	struct error ignored;

	memset(manifests, 0, STORE_HELD * sizeof *manifests);
	for (unsigned i = 0; i < STORE_HELD; i++) {
		int result = load_manifest(store, manifest_names[i], &manifests[i], &ignored);

		if (result && result != -ENOENT)
			return -1;
	}
	return 0;
}

/* *manifest is in `wanted` now, and what was there in `former`. */
static void hold_wanted(struct store *store, const struct manifest *manifest)
{
	struct manifest dropped = store->held[HELD_FORMER];

	store->held[HELD_FORMER] = store->held[HELD_WANTED];
	store->held[HELD_WANTED] = *manifest;
	segment_files_spare(store, &dropped);
}

int store_put(struct store *store, const struct manifest *manifest, const struct compiled *compiled,
	      const struct compiled *previous, struct error *error)
{
	int result;

	if (segment_files_put(store, compiled, previous, error) == 0) {
		result = file_swap(store->folder, STATE_WANTED, STATE_FORMER, manifest,
				   sizeof *manifest, 0640);
		if (result == 0) {
			hold_wanted(store, manifest);
			return 0;
		}
		store_fault(store, STATE_WANTED, error, "%s", strerror(-result));
	}
	segment_files_collect(store);
	return -1;
}

/* Set *error: what is wrong with a ledger. Returns -1. */
static int ledger_fault(const struct store *store, const struct manifest_ledger *ledger,
			struct error *error, const char *why)
{
	char name[LEDGER_FILE_NAME], path[SEGMENT_FILE_NAME];

	ledger_file(name, ledger->name);
	snprintf(path, sizeof path, STATE_SEGMENTS "/%s", name);
	return store_fault(store, path, error, "%s", why);
}

int store_put_entries(const struct store *store, const struct policy *before,
		      const struct manifest_ledger *at, const struct policy *after,
		      struct manifest_ledger *now, struct error *error)
{
	int result = ledger_write(store->segments, before, at, after, now);

	return result ? ledger_fault(store, at, error, strerror(-result)) : 0;
}

int store_load_entries(const struct store *store, const struct manifest_ledger *ledger,
		       struct policy *policy, struct error *error)
{
	const char *why;

	if (ledger_read(store->segments, ledger, policy, &why))
		return ledger_fault(store, ledger, error, why);
	return 0;
}

bool store_has(const struct store *store, const char *name, const struct manifest *manifest)
{
	struct manifest found;
	struct error ignored;

	return load_manifest(store, name, &found, &ignored) == 0 &&
	       memcmp(&found, manifest, sizeof found) == 0;
}

static int sync_ledger(const struct store *store, const struct manifest_ledger *ledger,
		       struct error *error)
{
	char name[LEDGER_FILE_NAME];
	int result;

	if (ledger->size == 0)
		return 0;
	ledger_file(name, ledger->name);
	result = file_sync(store->segments, name);
	return result ? ledger_fault(store, ledger, error, strerror(-result)) : 0;
}

int store_keep(struct store *store, const struct manifest *manifest, struct error *error)
{
	static const struct manifest none;
	const struct manifest *durable = store->kept ? &store->held[HELD_CURRENT] : &none;
	int result;

	if (sync_ledger(store, &manifest->ledger, error) ||
	    segment_files_sync(store, manifest, durable, error))
		return -1;
	result = file_replace(store->folder, STATE_CURRENT, manifest, sizeof *manifest, 0640, true);
	if (result) {
		/* It is there but not surely on disk, or the old one still is. */
		store->reuses = store_manifests(store, store->held) == 0;
		return store_fault(store, STATE_CURRENT, error, "%s", strerror(-result));
	}
	store->held[HELD_CURRENT] = *manifest;
	store->kept = true;
	unlinkat(store->folder, STATE_FORMER, 0);
	memset(&store->held[HELD_FORMER], 0, sizeof store->held[HELD_FORMER]);
	segment_files_collect(store);
	return 0;
}

void store_forget_wanted(struct store *store)
{
	unlinkat(store->folder, STATE_WANTED, 0);
	memset(&store->held[HELD_WANTED], 0, sizeof store->held[HELD_WANTED]);
	segment_files_collect(store);
}
