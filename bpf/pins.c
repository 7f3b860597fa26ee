/* SPDX-License-Identifier: BSD-3-Clause */
/* See pins.h. */
#include "pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file system takes no dot in a name, and the name of an interface no colon. */
static void swap_sign(char *name, char from, char to)
{
	for (; *name; name++) {
		if (*name == from)
			*name = to;
	}
}

static int pin_path(const char *folder, const char *word, const char *interface,
		    char path[PATH_MAX])
{
	int folder_length = snprintf(path, PATH_MAX, "%s/", folder), length;

	if (folder_length >= PATH_MAX)
		return -ENAMETOOLONG;
	length = snprintf(path + folder_length, PATH_MAX - (size_t)folder_length, "%s%s%s", word,
			  interface ? "-" : "", interface ? interface : "");
	if (length >= PATH_MAX - folder_length)
		return -ENAMETOOLONG;
	swap_sign(path + folder_length, '.', ':');
	return 0;
}

int pins_get(const char *folder, const char *word, const char *interface)
{
	char path[PATH_MAX];
	int result = pin_path(folder, word, interface, path);

	return result ? result : bpf_obj_get(path);
}

int pins_put(const char *folder, const char *word, const char *interface, int fd)
{
	char path[PATH_MAX];
	int result = pin_path(folder, word, interface, path);

	if (result == 0 && unlink(path) != 0 && errno != ENOENT)
		result = -errno;
	return result ? result : bpf_obj_pin(fd, path);
}

int pins_remove(const char *folder, const char *word, const char *interface)
{
	char path[PATH_MAX];
	int result = pin_path(folder, word, interface, path);

	if (result == 0 && unlink(path) != 0 && errno != ENOENT)
		result = -errno;
	return result;
}

int pins_each(const char *folder, const char *word,
	      int (*found)(const char *interface, void *argument), void *argument)
{
	size_t length = strlen(word);
	DIR *directory = opendir(folder);
	struct dirent *entry;
	int result = 0;

	if (!directory)
		return -errno;
	while (result == 0 && (entry = readdir(directory))) {
		char *name = entry->d_name;

		if (strncmp(name, word, length) != 0 || name[length] != '-')
			continue;
		swap_sign(name, ':', '.');
		result = found(name + length + 1, argument);
	}
	closedir(directory);
	return result;
}
