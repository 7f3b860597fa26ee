/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments. See writer.h. */
#include "compile/writer.h"

#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void writer_array(struct writer *writer, unsigned array, const void *data, uint64_t count)
{
	writer->data[array] = data;
	writer->count[array] = count;
}

void writer_tables(struct writer *writer, unsigned array, const struct table table[FAMILIES])
{
	for (unsigned i = 0; i < FAMILIES; i++) {
		writer_array(writer, array++, table[i].index, table[i].slots);
		writer_array(writer, array++, table[i].first, table[i].count);
		writer_array(writer, array++, table[i].value, table[i].count);
	}
}

static uint64_t array_bytes(const struct writer *writer, unsigned array)
{
	return writer->count[array] * segment_element(writer->kind, array);
}

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
}

static uint64_t segment_size(const struct writer *writer)
{
	uint64_t size = sizeof(struct segment_header);

	for (unsigned i = 0; i < segment_arrays(writer->kind); i++)
		size += aligned(array_bytes(writer, i));
	return size;
}

/* Copy array `i` to `offset`, zeros after it. Where the next one begins. */
static uint64_t copy_array(const struct writer *writer, unsigned i, char *data, uint64_t offset)
{
	uint64_t bytes = array_bytes(writer, i);

	if (bytes)
		memcpy(data + offset, writer->data[i], bytes);
	memset(data + offset + bytes, 0, aligned(bytes) - bytes);
	return offset + aligned(bytes);
}

static void write_segment(const struct writer *writer, uint64_t size, void *data)
{
	struct segment_header *header = data;
	uint64_t offset = sizeof *header;

	*header = (struct segment_header){
		.magic = SEGMENT_MAGIC,
		.version = IMAGE_VERSION,
		.kind = (uint32_t)writer->kind,
		.arrays = segment_arrays(writer->kind),
		.size = size,
	};
	for (unsigned i = 0; i < header->arrays; i++) {
		header->array[i] = (struct segment_array){offset, writer->count[i]};
		offset = copy_array(writer, i, data, offset);
	}
	header->hash =
		image_hash((const char *)data + SEGMENT_HASHED_FROM, size - SEGMENT_HASHED_FROM);
}

struct segment *writer_segment(const struct writer *writer)
{
	uint64_t size = segment_size(writer);
	struct segment *segment = malloc(sizeof *segment);
	void *data = aligned_alloc(IMAGE_ALIGN, size);

	if (!segment || !data) {
		free(segment);
		free(data);
		return NULL;
	}
	write_segment(writer, size, data);
	*segment = (struct segment){.references = 1, .data = data, .size = size};
	return segment;
}

struct segment *segment_ref(struct segment *segment)
{
	segment->references++;
	return segment;
}

void segment_unref(struct segment *segment)
{
	if (!segment || --segment->references > 0)
		return;
	free(segment->data);
	free(segment);
}

int names_add(struct names *names, const char *name, uint32_t *offset)
{
	size_t bytes = strlen(name) + 1;
	char *text = grow(names->text, &names->capacity, names->size + bytes, 1);

	if (!text)
		return -ENOMEM;
	names->text = text;
	memcpy(names->text + names->size, name, bytes);
	*offset = (uint32_t)names->size;
	names->size += bytes;
	return 0;
}
