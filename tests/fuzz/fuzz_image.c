/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hostile segments. The input is a kind, then a list of edits (array or header, place,
 * width, value) to the good segment of that kind: far more damage to the point than random
 * bytes of a megabyte would do.
 */
#include "image/probe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct edit {
	uint8_t array; /* of the kind; past the last: the header itself */
	uint8_t width; /* log2 of bytes, modulo 4 */
	uint16_t place;
	uint32_t value;
};

static void apply(uint8_t *segment, size_t size, enum segment_kind kind, const struct edit *edit)
{
	struct segment_header header;
	size_t from = 0, span = sizeof header, width = (size_t)1 << edit->width % 4, at;
	uint64_t value = edit->value;

	memcpy(&header, segment, sizeof header);
	if (edit->array < segment_arrays(kind)) {
		from = header.array[edit->array].offset;
		span = header.array[edit->array].count * segment_element(kind, edit->array);
	}
	if (span < width || from > size || span > size - from)
		return;
	at = from + edit->place % (span / width) * width;
	memcpy(segment + at, &value, width);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct image_error error;
	enum segment_kind kind;
	struct edit edit;
	uint8_t *segment;
	size_t bytes;

	if (!ready && !(ready = probe_setup()))
		abort();
	if (size == 0)
		return 0;
	kind = data[0] % SEGMENT_KINDS;
	const void *good = probe_segment(kind, &bytes);
	if (!(segment = malloc(bytes)))
		return 0;
	memcpy(segment, good, bytes);
	for (size_t at = 1; at + sizeof edit <= size; at += sizeof edit) {
		memcpy(&edit, data + at, sizeof edit);
		apply(segment, bytes, kind, &edit);
	}
	probe_replace(kind, segment, bytes, &error);
	free(segment);
	return 0;
}
