/* SPDX-License-Identifier: BSD-3-Clause */
/* Framing of requests. See lines.h. */
#include "daemon/lines.h"

#include "policy/grow.h"

#include <stdlib.h>
#include <string.h>

/* Lines handed out leave their place to those to come. */
static void lines_compact(struct lines *lines)
{
	if (lines->begin == 0)
		return;
	memmove(lines->bytes, lines->bytes + lines->begin, lines->used - lines->begin);
	lines->used -= lines->begin;
	lines->scanned -= lines->begin;
	lines->begin = 0;
}

char *lines_room(struct lines *lines)
{
	char *bytes;

	lines_compact(lines);
	bytes = grow(lines->bytes, &lines->capacity, lines->used + LINES_ROOM, 1);
	if (!bytes)
		return NULL;
	lines->bytes = bytes;
	return bytes + lines->used;
}

void lines_add(struct lines *lines, size_t size)
{
	lines->used += size;
}

enum lines_next lines_next(struct lines *lines, const char **line, size_t *size)
{
	const char *end = NULL;

	if (lines->used > lines->scanned)
		end = memchr(lines->bytes + lines->scanned, '\n', lines->used - lines->scanned);
	if (!end) {
		lines->scanned = lines->used;
		return lines->used - lines->begin > LINE_MAX_BYTES ? LINES_TOO_LONG : LINES_NONE;
	}
	/* Found again at once should the same line be asked for again. */
	lines->scanned = (size_t)(end - lines->bytes);
	if (lines->scanned - lines->begin > LINE_MAX_BYTES)
		return LINES_TOO_LONG;
	*line = lines->bytes + lines->begin;
	*size = lines->scanned - lines->begin;
	return LINES_ONE;
}

void lines_done(struct lines *lines, size_t size)
{
	lines->begin += size + 1;
	lines->scanned = lines->begin;
}

void lines_free(struct lines *lines)
{
	free(lines->bytes);
	*lines = (struct lines){0};
}
