/* SPDX-License-Identifier: BSD-3-Clause */
/* Files in folders that are open: read whole, replaced whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Open the folder `path`, making it, but not its parents, where there is none. fd or -errno. */
int file_folder(int at, const char *path, mode_t mode);

/*
 * Read a regular file whole into *data, IMAGE_ALIGN-aligned, for free(). At most limit + 1
 * bytes of it, so that *size > limit says that it is longer. 0, or -errno.
 */
int file_read(int folder, const char *name, size_t limit, uint8_t **data, size_t *size);

/*
 * Put `size` bytes in the place of the file `name`, all or nothing. durable: they and the
 * name are on disk on return. 0, or -errno: the old file is in place, or the new one not
 * surely on disk.
 */
int file_replace(int folder, const char *name, const void *data, size_t size, mode_t mode,
		 bool durable);

/*
 * Put `size` bytes into a file that was not there, or in the place of one that was and held
 * others. For names that nobody reads before they are told of. 0, or -errno.
 */
int file_create(int folder, const char *name, const void *data, size_t size, mode_t mode);

/*
 * Have the file `spare` become `name`, which is not there, with `size` bytes in it: what
 * file_create() does, without making a file. 0, or -errno with neither there, or as they were.
 */
int file_reuse(int folder, const char *spare, const char *name, const void *data, size_t size);

/* Put `size` bytes into the file `name`, which is there, from byte `at` on. 0, or -errno. */
int file_append(int folder, const char *name, uint64_t at, const void *data, size_t size);

/*
 * Put `size` bytes into the file `spare` and have it and `name` change places in one step;
 * where there is no `name`, `spare` becomes it. Faster than file_replace(): no file is made
 * or freed, and no block. 0, or -errno with `name` as it was.
 */
int file_swap(int folder, const char *name, const char *spare, const void *data, size_t size,
	      mode_t mode);

/* Have a file or folder that was written earlier on disk. 0, or -errno. */
int file_sync(int folder, const char *name);
