/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of segments in the state folder, named by kind and content, and which of them some
 * manifest needs. Making and removing a file with every change is what a file system is slowest
 * at, so one that nobody needs any more becomes the next of its kind.
 */
#pragma once

#include "daemon/store.h"

enum { SEGMENT_FILE_NAME = 64 };

/* A segment's file, from the state folder. */
void segment_file(char name[SEGMENT_FILE_NAME], unsigned kind, uint64_t hash);

uint64_t segment_hash(const struct segment *segment);

/* Write the segments of `compiled` that differ from those of `previous` (or NULL). 0 or -1. */
int segment_files_put(struct store *store, const struct compiled *compiled,
		      const struct compiled *previous, struct error *error);

/* Write a segment's file and have it on disk, as nothing else does: on any thread. 0 or -errno. */
int segment_file_write(const struct store *store, unsigned kind, const struct segment *segment);

/*
 * Have the segments of a manifest on disk: those at least that `durable`, which is, has not.
 * 0, or -1 with *error.
 */
int segment_files_sync(const struct store *store, const struct manifest *manifest,
		       const struct manifest *durable, struct error *error);

/* A manifest is not held any more: of each kind, what no other holds may be the next file. */
void segment_files_spare(struct store *store, const struct manifest *manifest);

/* Remove what no manifest names, unless one is there that cannot be read: it may name anything. */
void segment_files_collect(struct store *store);
