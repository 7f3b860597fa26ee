/* SPDX-License-Identifier: BSD-3-Clause */
/* An order is an array of indices, so that what is sorted keeps its place for messages. */
#include "policy/order.h"

#include <stdlib.h>

struct column {
	const struct prefix *first;
	size_t stride;
};

static const struct prefix *column_at(const struct column *column, uint32_t index)
{
	return (const void *)((const char *)column->first + column->stride * index);
}

static int index_compare(const void *left, const void *right, void *context)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int by_prefix = prefix_compare(column_at(context, a), column_at(context, b));

	return by_prefix ? by_prefix : (a > b) - (a < b);
}

void order_prefixes(const struct prefix *first, size_t stride, size_t count, uint32_t *order)
{
	struct column column = {first, stride};

	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, count, sizeof order[0], index_compare, &column);
}

size_t order_repeated(const struct prefix *first, size_t stride, size_t count,
		      const uint32_t *order)
{
	struct column column = {first, stride};
	size_t repeated = SIZE_MAX;

	for (size_t i = 1; i < count; i++) {
		if (order[i] < repeated && prefix_compare(column_at(&column, order[i - 1]),
							  column_at(&column, order[i])) == 0)
			repeated = order[i];
	}
	return repeated;
}
