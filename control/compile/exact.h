/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of single addresses that core/lookup.h searches. */
#pragma once

#include "compile/forest.h"

struct exact_entry {
	uint32_t node; /* of the forest: whose address */
	uint32_t word;
};

/* Single addresses of one family, and then the lines that hold them. */
struct exact {
	struct exact_entry *entries;
	size_t count, capacity;
	void *lines; /* struct exact4 or exact6 */
	uint32_t line_count;
};

/* Note the address of a node. 0 or -ENOMEM. */
int exact_add(struct exact *exact, uint32_t node, uint32_t word);

/* Make the lines. 0 or -ENOMEM. */
int exact4_fill(struct exact *exact, const struct forest *forest, uint64_t seed);
int exact6_fill(struct exact *exact, const struct forest *forest, uint64_t seed);

void exact_free(struct exact *exact);
