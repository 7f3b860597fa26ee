/* SPDX-License-Identifier: BSD-3-Clause */
/* The arrays of a range table (core/range.h) of one family, made from a forest. */
#pragma once

#include "compile/forest.h"
#include "range.h"

struct table {
	struct range_cell *index;
	void *first; /* uint32_t, or struct address of IPv6 */
	uint32_t *value;
	uint32_t slots, count, capacity;
	bool ip6;
};

/*
 * Cut the address space into ranges: each has the value of the innermost node that holds
 * it (of a run of equal prefixes the last one's), or `none`. Neighbours of equal value are
 * one range; where everything is `none` there are no ranges. 0 or -ENOMEM; *table is for
 * table_free() either way.
 */
int table_build(const struct forest *forest, const uint32_t *values, uint32_t none,
		struct table *table);

void table_free(struct table *table);

/* The first address of a range of IPv4. */
static inline uint32_t table_first4(const struct table *table, uint32_t range)
{
	return ((const uint32_t *)table->first)[range];
}
