/* SPDX-License-Identifier: BSD-3-Clause */
/* Framing: a stream of bytes in, whole lines out, none longer than LINE_MAX_BYTES. */
#pragma once

#include <stddef.h>

enum {
	LINE_MAX_BYTES = 1024 * 1024, /* a request without its newline */
	LINES_ROOM = 64 * 1024,       /* bytes taken from a socket at once */
};

/* Starts zeroed. */
struct lines {
	char *bytes;
	size_t used, capacity;
	size_t begin;   /* of what was not handed out yet */
	size_t scanned; /* no newline between begin and here */
};

/* Where LINES_ROOM bytes may be put, for lines_add(). NULL: no memory. */
char *lines_room(struct lines *lines);

/* So many bytes were put there. */
void lines_add(struct lines *lines, size_t size);

enum lines_next { LINES_NONE, LINES_ONE, LINES_TOO_LONG };

/*
 * The next whole line without its newline, good until lines_room(). It stays the next one
 * until lines_done(). LINES_TOO_LONG: what has come is no line any more.
 */
enum lines_next lines_next(struct lines *lines, const char **line, size_t *size);

/* Be done with the line of `size` bytes that lines_next() gave. */
void lines_done(struct lines *lines, size_t size);

void lines_free(struct lines *lines);
