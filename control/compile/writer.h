/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments: a header and flat arrays, aligned, padded with zeros, named by their hash. */
#pragma once

#include "compile/compile.h"
#include "compile/table.h"

/* A segment being put together. The arrays stay the caller's and are copied at the end. */
struct writer {
	enum segment_kind kind;
	const void *data[SEGMENT_ARRAYS];
	uint64_t count[SEGMENT_ARRAYS];
};

void writer_array(struct writer *writer, unsigned array, const void *data, uint64_t count);

/* The range tables of both families, as six arrays from `array` on. */
void writer_tables(struct writer *writer, unsigned array, const struct table table[FAMILIES]);

/* The segment, with one reference. Arrays that were not given are empty. NULL: no memory. */
struct segment *writer_segment(const struct writer *writer);

/* A growing table of NUL-terminated names. */
struct names {
	char *text;
	size_t size, capacity;
};

/* Append a name; *offset is where it begins. 0 or -ENOMEM. */
int names_add(struct names *names, const char *name, uint32_t *offset);
