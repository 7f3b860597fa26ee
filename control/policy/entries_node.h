/* SPDX-License-Identifier: BSD-3-Clause */
/* What a tree of entries is made of: entries.c changes it, entries_walk.c goes through it. */
#pragma once

#include "policy/entries.h"

enum { LEAF_MOST = 64, INNER_MOST = 53 }; /* both fill about 2.5 KB */

struct entries_child {
	struct prefix first; /* below it */
	struct entries_sum sum;
	struct entries_node *node;
};

struct entries_node {
	unsigned references; /* who has more than one must be copied to be changed */
	unsigned used;       /* entries, or children; of a node below the root never 0 */
	bool leaf;
	union {
		struct entry_params entry[LEAF_MOST];
		struct entries_child child[INNER_MOST];
	};
};

/* The child in whose range the prefix is. */
unsigned node_child(const struct entries_node *node, const struct prefix *prefix);

/* The first entry of a leaf whose prefix is not before this one; used: none. */
unsigned leaf_place(const struct entries_node *node, const struct prefix *prefix);
