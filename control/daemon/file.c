/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole-file reads and replacements. See file.h. */
#include "daemon/file.h"

#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_folder(int at, const char *path, mode_t mode)
{
	int fd;

	if (mkdirat(at, path, mode) && errno != EEXIST)
		return -errno;
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Read up to `room` bytes; how many, or -errno. */
static ssize_t read_up_to(int fd, uint8_t *data, size_t room)
{
	size_t size = 0;

	while (size < room) {
		ssize_t got = read(fd, data + size, room - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

int file_read(int folder, const char *name, size_t limit, uint8_t **data, size_t *size)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat status;
	uint8_t *bytes;
	ssize_t got;
	size_t room;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	/* What the file has, not what a manifest may claim, decides how much memory is asked for.
	 */
	room = (uint64_t)status.st_size > limit ? limit + 1 : (size_t)status.st_size;
	bytes = aligned_alloc(IMAGE_ALIGN, (room / IMAGE_ALIGN + 1) * IMAGE_ALIGN);
	if (!bytes) {
		close(fd);
		return -ENOMEM;
	}
	got = read_up_to(fd, bytes, room);
	close(fd);
	if (got < 0) {
		free(bytes);
		return (int)got;
	}
	*data = bytes;
	*size = (size_t)got;
	return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		size -= (size_t)put;
	}
	return 0;
}

/* Write a file from its beginning to its end; `flags` are of open(2). */
static int write_file(int folder, const char *name, int flags, const void *data, size_t size,
		      mode_t mode, bool durable)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, mode);
	struct stat status;
	int result;

	if (fd < 0)
		return -errno;
	result = write_all(fd, data, size);
	if (result == 0 &&
	    (fstat(fd, &status) || ((size_t)status.st_size != size && ftruncate(fd, (off_t)size))))
		result = -errno;
	if (result == 0 && durable && fsync(fd))
		result = -errno;
	if (close(fd) && result == 0)
		result = -errno;
	return result;
}

int file_replace(int folder, const char *name, const void *data, size_t size, mode_t mode,
		 bool durable)
{
	char temporary[NAME_MAX + 1];
	int result;

	if (snprintf(temporary, sizeof temporary, "%s.tmp", name) >= (int)sizeof temporary)
		return -ENAMETOOLONG;
	result = write_file(folder, temporary, O_TRUNC, data, size, mode, durable);
	if (result == 0 && renameat(folder, temporary, folder, name))
		result = -errno;
	if (result)
		unlinkat(folder, temporary, 0);
	else if (durable)
		result = file_sync(folder, ".");
	return result;
}

static bool holds(int folder, const char *name, const void *data, size_t size)
{
	uint8_t *held;
	size_t held_size;
	bool same;

	if (file_read(folder, name, size, &held, &held_size))
		return false;
	same = held_size == size && memcmp(held, data, size) == 0;
	free(held);
	return same;
}

int file_create(int folder, const char *name, const void *data, size_t size, mode_t mode)
{
	int result = write_file(folder, name, O_EXCL, data, size, mode, false);

	if (result == -EEXIST)
		return holds(folder, name, data, size)
			       ? 0
			       : file_replace(folder, name, data, size, mode, false);
	if (result)
		unlinkat(folder, name, 0);
	return result;
}

int file_reuse(int folder, const char *spare, const char *name, const void *data, size_t size)
{
	int result;

	if (renameat2(folder, spare, folder, name, RENAME_NOREPLACE))
		return -errno;
	result = write_file(folder, name, 0, data, size, 0, false);
	if (result)
		unlinkat(folder, name, 0);
	return result;
}

int file_append(int folder, const char *name, uint64_t at, const void *data, size_t size)
{
	int fd = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	int result;

	if (fd < 0)
		return -errno;
	result = lseek(fd, (off_t)at, SEEK_SET) < 0 ? -errno : write_all(fd, data, size);
	if (close(fd) && result == 0)
		result = -errno;
	return result;
}

int file_swap(int folder, const char *name, const char *spare, const void *data, size_t size,
	      mode_t mode)
{
	int result = write_file(folder, spare, 0, data, size, mode, false);

	if (result)
		return result;
	if (renameat2(folder, spare, folder, name, RENAME_EXCHANGE) == 0)
		return 0;
	/* There is no `name`, or the file system cannot exchange. */
	return renameat(folder, spare, folder, name) ? -errno : 0;
}

int file_sync(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		result = -errno;
	close(fd);
	return result;
}
