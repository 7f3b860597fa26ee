/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A forest of prefixes of one family: sorted, each knowing the innermost other prefix that
 * holds it. Equal prefixes nest in the order in which they were added, so the last of
 * them is the innermost.
 */
#pragma once

#include "policy/prefix.h"

#define FOREST_NONE UINT32_MAX

struct forest_node {
	unsigned __int128 first; /* address of the prefix; IPv4 in the low 32 bits */
	uint32_t item;           /* the caller's, with `kind`: what the prefix is about */
	union {
		uint32_t line;   /* until nodes are linked, the caller's: where it is written */
		uint32_t parent; /* from then on: a lower index, or FOREST_NONE */
	};
	uint16_t kind;
	uint8_t length;
};
_Static_assert(sizeof(struct forest_node) == 32, "two to a cache line");

struct forest {
	struct forest_node *nodes;
	size_t capacity;
	uint32_t count;
	bool ip6;
};

/* The two families' forests; index with struct prefix's ip6. */
enum { FAMILIES = 2 };

void forests_init(struct forest forest[FAMILIES]);
void forests_free(struct forest forest[FAMILIES]);

/* Add a prefix to its family's forest, of kind 0 and line 0. 0 or -ENOMEM. */
int forests_add(struct forest forest[FAMILIES], const struct prefix *prefix, uint32_t item);

/*
 * Sort the nodes from index `from` on, by address, shorter before longer; what is equal stays
 * in its order. 0 or -ENOMEM.
 */
int forest_sort(struct forest *forest, uint32_t from);

/* Sort and link the nodes: after the last prefix, before anything below. 0 or -ENOMEM. */
int forests_link(struct forest forest[FAMILIES]);

/* The end of the run of nodes with the same prefix that begins at `node`. */
uint32_t forest_run(const struct forest *forest, uint32_t node);

/* The last address of a prefix. */
static inline unsigned __int128 forest_last(const struct forest *forest, uint32_t node)
{
	const struct forest_node *of = &forest->nodes[node];
	unsigned __int128 all = forest->ip6 ? ~(unsigned __int128)0 : UINT32_MAX;

	return of->first | (of->length < 128 ? all >> of->length : 0);
}
