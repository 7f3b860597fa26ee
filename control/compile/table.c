/* SPDX-License-Identifier: BSD-3-Clause */
/* Forest in, range table out. See table.h. */
#include "compile/table.h"

#include <errno.h>
#include <stdlib.h>

enum {
	/* The root has many more cells than ranges, so that most hold no border. */
	ROOT_CELLS = 32,
	NODE_CELLS = 2, /* likewise other nodes, at least so many for each border */
	LEAF_MOST = 4,  /* borders in a cell that are searched: they share a line or two */
};

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

/* The index being built: what of an address each cell leaves undecided. */
struct indexing {
	struct table *table;
	uint8_t *undecided; /* bits of the (high) word */
	uint32_t capacity;
};

static int index_reserve(struct indexing *indexing, uint64_t cells)
{
	struct table *table = indexing->table;
	uint32_t capacity = indexing->capacity ? indexing->capacity : 64;
	void *grown;

	if (cells > UINT32_MAX / 2)
		return -ENOMEM;
	while (capacity < cells)
		capacity *= 2;
	if (capacity == indexing->capacity)
		return 0;
	grown = reallocarray(table->index, capacity, sizeof *table->index);
	if (!grown)
		return -ENOMEM;
	table->index = grown;
	grown = realloc(indexing->undecided, capacity);
	if (!grown)
		return -ENOMEM;
	indexing->undecided = grown;
	indexing->capacity = capacity;
	return 0;
}

/* The word that a range is indexed by. */
static uint64_t border_word(const struct table *table, uint32_t range)
{
	return table->ip6 ? ((const struct address *)table->first)[range].hi
			  : table_first4(table, range);
}

/* Whether a range begins with the part of the address space that leaves `undecided` bits. */
static bool begins_part(const struct table *table, uint32_t range, unsigned undecided)
{
	return (border_word(table, range) & ((UINT64_C(1) << undecided) - 1)) == 0 &&
	       (!table->ip6 || ((const struct address *)table->first)[range].lo == 0);
}

static unsigned bits_for(uint64_t cells)
{
	unsigned bits = 1;

	while (bits < RANGE_NODE_BITS && UINT64_C(1) << bits < cells)
		bits++;
	return bits;
}

/* Make a cell a node of 2^bits cells, and share out the ranges that begin inside it. */
static int index_split(struct indexing *indexing, uint32_t cell, unsigned bits)
{
	struct table *table = indexing->table;
	unsigned shift = indexing->undecided[cell] - bits;
	uint32_t next = table->index[cell].at, end = next + table->index[cell].inside;
	struct range_cell node = range_node(table->slots, shift, bits);

	if (index_reserve(indexing, table->slots + (UINT64_C(1) << bits)) != 0)
		return -ENOMEM;
	table->index[cell] = node;
	for (uint32_t part = 0; part < UINT32_C(1) << bits; part++) {
		uint32_t child = table->slots++, inside;

		inside = next;
		while (next < end && range_child(node, border_word(table, next)) == child)
			next++;
		if (inside < next && begins_part(table, inside, shift))
			inside++;
		indexing->undecided[child] = (uint8_t)shift;
		table->index[child] = next > inside
					      ? (struct range_cell){inside, next - inside}
					      : (struct range_cell){table->value[inside - 1], 0};
	}
	return 0;
}

/* Split what holds too many borders, level by level. */
static int index_grow(struct indexing *indexing)
{
	struct table *table = indexing->table;
	uint32_t cell = 0;

	for (unsigned level = 0; level < RANGE_LEVELS; level++) {
		for (uint32_t end = table->slots; cell < end; cell++) {
			uint64_t inside = table->index[cell].inside;
			unsigned left = indexing->undecided[cell];
			unsigned bits = bits_for(inside * (level ? NODE_CELLS : ROOT_CELLS));

			if (left == 0 || inside <= (level ? LEAF_MOST : 0))
				continue;
			if (index_split(indexing, cell, bits < left ? bits : left) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int index_ranges(struct table *table)
{
	struct indexing indexing = {.table = table};
	int result = index_reserve(&indexing, 1);

	if (result == 0) {
		indexing.undecided[0] = table->ip6 ? 64 : 32;
		table->index[0] = table->count > 1 ? (struct range_cell){1, table->count - 1}
						   : (struct range_cell){table->value[0], 0};
		table->slots = 1;
		result = index_grow(&indexing);
	}
	free(indexing.undecided);
	return result;
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
