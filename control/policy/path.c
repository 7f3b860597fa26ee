/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that are plain words follow a dot; any others are quoted, and cut where long. */
#include "policy/path.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { KEY_SHOWN = 63 };

static bool key_is_word(const char *key, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	for (size_t i = 0; i < size; i++) {
		if (key[i] == '\0' || !strchr(letters, key[i]))
			return false;
	}
	return size > 0 && size <= KEY_SHOWN;
}

/* What does not fit whole is left out. */
__attribute__((format(printf, 2, 3))) static void path_append(struct path *path, const char *format,
							      ...)
{
	size_t used = strlen(path->text), room = sizeof path->text - used;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(path->text + used, room, format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= room)
		path->text[used] = '\0';
}

void path_key(struct path *path, const char *key, size_t size)
{
	int shown = size < KEY_SHOWN ? (int)size : KEY_SHOWN;

	if (key_is_word(key, size))
		path_append(path, "%s%.*s", path->text[0] ? "." : "", shown, key);
	else
		path_append(path, "[\"%.*s%s\"]", shown, key, size > KEY_SHOWN ? "..." : "");
}

void path_index(struct path *path, size_t index)
{
	path_append(path, "[%zu]", index);
}
