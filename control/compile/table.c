/* SPDX-License-Identifier: BSD-3-Clause */
/* Forest in, range table out. See table.h. */
#include "compile/table.h"

#include <errno.h>
#include <stdlib.h>

enum { TABLE_INDEX_BITS = 16 };

/* A border waits here until the next one shows that no inner prefix begins at its place. */
struct cut {
	struct table *table;
	unsigned __int128 first;
	uint32_t value;
};

static size_t first_size(const struct table *table)
{
	return table->ip6 ? sizeof(struct address) : sizeof(uint32_t);
}

static int reserve(struct table *table)
{
	uint32_t capacity = table->capacity ? 2 * table->capacity : 64;
	void *grown;

	if (table->count < table->capacity)
		return 0;
	grown = reallocarray(table->first, capacity, first_size(table));
	if (!grown)
		return -ENOMEM;
	table->first = grown;
	grown = reallocarray(table->value, capacity, sizeof *table->value);
	if (!grown)
		return -ENOMEM;
	table->value = grown;
	table->capacity = capacity;
	return 0;
}

static int cut_flush(const struct cut *cut)
{
	struct table *table = cut->table;

	if (table->count && table->value[table->count - 1] == cut->value)
		return 0;
	if (reserve(table) != 0)
		return -ENOMEM;
	if (table->ip6)
		((struct address *)table->first)[table->count] =
			(struct address){(uint64_t)(cut->first >> 64), (uint64_t)cut->first};
	else
		((uint32_t *)table->first)[table->count] = (uint32_t)cut->first;
	table->value[table->count++] = cut->value;
	return 0;
}

static int cut_at(struct cut *cut, unsigned __int128 first, uint32_t value)
{
	if (first != cut->first && cut_flush(cut) != 0)
		return -ENOMEM;
	cut->first = first;
	cut->value = value;
	return 0;
}

/* Close `open` and those around it that end before `next`; what stays open, in *open. */
static int cut_close(struct cut *cut, const struct forest *forest, const uint32_t *values,
		     uint32_t none, unsigned __int128 next, uint32_t *open)
{
	while (*open != FOREST_NONE && forest_last(forest, *open) < next) {
		uint32_t parent = forest->nodes[*open].parent;

		if (cut_at(cut, forest_last(forest, *open) + 1,
			   parent == FOREST_NONE ? none : values[parent]) != 0)
			return -ENOMEM;
		*open = parent;
	}
	return 0;
}

static int cut_ranges(const struct forest *forest, const uint32_t *values, uint32_t none,
		      struct table *table)
{
	unsigned __int128 end = forest->ip6 ? ~(unsigned __int128)0 : UINT32_MAX;
	struct cut cut = {table, 0, none};
	uint32_t open = FOREST_NONE;

	for (uint32_t i = 0; i < forest->count; i++) {
		if (cut_close(&cut, forest, values, none, forest->nodes[i].first, &open) != 0 ||
		    cut_at(&cut, forest->nodes[i].first, values[i]) != 0)
			return -ENOMEM;
		open = i;
	}
	if (cut_close(&cut, forest, values, none, end, &open) != 0)
		return -ENOMEM;
	return cut_flush(&cut);
}

/* Many more buckets than ranges, so that most hold no boundary, and a search seldom branches. */
static unsigned index_bits(uint32_t ranges)
{
	unsigned bits = 0;

	while (bits < TABLE_INDEX_BITS && UINT32_C(1) << bits < ranges * UINT64_C(32))
		bits++;
	return bits;
}

static uint64_t bucket_of(const struct table *table, uint32_t range, unsigned bits)
{
	if (bits == 0)
		return 0;
	if (table->ip6)
		return ((const struct address *)table->first)[range].hi >> (64 - bits);
	return table_first4(table, range) >> (32 - bits);
}

static int index_ranges(struct table *table)
{
	unsigned bits = index_bits(table->count);
	uint32_t buckets = UINT32_C(1) << bits;
	uint32_t range = 0;

	table->index = reallocarray(NULL, buckets + 1, sizeof *table->index);
	if (!table->index)
		return -ENOMEM;
	for (uint32_t bucket = 0; bucket < buckets; bucket++) {
		table->index[bucket] = range;
		while (range < table->count && bucket_of(table, range, bits) == bucket)
			range++;
	}
	table->index[buckets] = range;
	table->slots = buckets + 1;
	return 0;
}

int table_build(const struct forest *forest, const uint32_t *values, uint32_t none,
		struct table *table)
{
	*table = (struct table){.ip6 = forest->ip6};
	if (forest->count == 0)
		return 0;
	if (cut_ranges(forest, values, none, table) != 0)
		return -ENOMEM;
	if (table->count == 1 && table->value[0] == none) {
		table->count = 0;
		return 0;
	}
	return index_ranges(table);
}

void table_free(struct table *table)
{
	free(table->index);
	free(table->first);
	free(table->value);
	*table = (struct table){0};
}
