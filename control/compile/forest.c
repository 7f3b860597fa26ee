/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes, sorted and nested. See forest.h. */
#include "compile/forest.h"

#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void forests_init(struct forest forest[FAMILIES])
{
	forest[0] = (struct forest){.ip6 = false};
	forest[1] = (struct forest){.ip6 = true};
}

void forests_free(struct forest forest[FAMILIES])
{
	free(forest[0].nodes);
	free(forest[1].nodes);
	forests_init(forest);
}

int forests_add(struct forest forest[FAMILIES], const struct prefix *prefix, uint32_t item)
{
	struct forest *family = &forest[prefix->ip6];
	struct forest_node *nodes =
		grow(family->nodes, &family->capacity, (size_t)family->count + 1, sizeof *nodes);

	if (!nodes)
		return -ENOMEM;
	family->nodes = nodes;
	nodes[family->count++] = (struct forest_node){
		.first = (unsigned __int128)prefix->address.hi << 64 | prefix->address.lo,
		.item = item,
		.length = prefix->length,
	};
	return 0;
}

static bool node_before(const struct forest_node *a, const struct forest_node *b)
{
	return a->first != b->first ? a->first < b->first : a->length < b->length;
}

/* The end of the ascending stretch that begins at `low`. */
static uint32_t stretch(const struct forest_node *nodes, uint32_t low, uint32_t count)
{
	while (++low < count && !node_before(&nodes[low], &nodes[low - 1]))
		;
	return low;
}

/* Merge the ascending stretches from `low` and from `middle` up to `high`, stably. */
static void merge(const struct forest_node *from, struct forest_node *to, uint32_t low,
		  uint32_t middle, uint32_t high)
{
	uint32_t left = low, right = middle;

	while (low < high) {
		bool take_right =
			left == middle || (right < high && node_before(&from[right], &from[left]));

		to[low++] = from[take_right ? right++ : left++];
	}
}

/* Merge each stretch with its neighbour. How many remain. */
static uint32_t merge_pairs(const struct forest_node *from, struct forest_node *to, uint32_t count)
{
	uint32_t remaining = 0;

	for (uint32_t low = 0; low < count; remaining++) {
		uint32_t middle = stretch(from, low, count);
		uint32_t high = middle < count ? stretch(from, middle, count) : count;

		merge(from, to, low, middle, high);
		low = high;
	}
	return remaining;
}

/* A natural merge sort: feeds and sets come sorted, or nearly so, and then cost one pass. */
int forest_sort(struct forest *forest, uint32_t from)
{
	uint32_t count = forest->count - from;
	struct forest_node *nodes, *spare, *sorted;
	uint32_t remaining;

	if (count == 0)
		return 0;
	nodes = forest->nodes + from;
	if (stretch(nodes, 0, count) >= count)
		return 0;
	spare = reallocarray(NULL, count, sizeof *spare);
	if (!spare)
		return -ENOMEM;
	for (sorted = nodes;;) {
		struct forest_node *to = sorted == nodes ? spare : nodes;

		remaining = merge_pairs(sorted, to, count);
		sorted = to;
		if (remaining == 1)
			break;
	}
	if (sorted == spare && from == 0) {
		forest->nodes = spare;
		forest->capacity = count;
		spare = nodes;
	} else if (sorted == spare) {
		memcpy(nodes, spare, count * sizeof *nodes);
	}
	free(spare);
	return 0;
}

static void link_parents(struct forest *forest)
{
	uint32_t open = FOREST_NONE;

	for (uint32_t i = 0; i < forest->count; i++) {
		while (open != FOREST_NONE && forest_last(forest, open) < forest->nodes[i].first)
			open = forest->nodes[open].parent;
		forest->nodes[i].parent = open;
		open = i;
	}
}

int forests_link(struct forest forest[FAMILIES])
{
	for (unsigned i = 0; i < FAMILIES; i++) {
		if (forest_sort(&forest[i], 0) != 0)
			return -ENOMEM;
		link_parents(&forest[i]);
	}
	return 0;
}

uint32_t forest_run(const struct forest *forest, uint32_t node)
{
	const struct forest_node *of = &forest->nodes[node];

	while (++node < forest->count && forest->nodes[node].first == of->first &&
	       forest->nodes[node].length == of->length)
		;
	return node;
}
