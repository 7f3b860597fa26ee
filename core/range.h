/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Longest-prefix match over flat arrays: prefixes are cut ahead of time into disjoint
 * ranges, sorted by first address; an index on the top bits narrows a binary search. The
 * worst case is bounded by the number of prefixes, never by their lengths, and the whole
 * is position-independent: three arrays and no pointer.
 *
 * index[b] is how many ranges begin below bucket b, so that bucket b's are
 * first[index[b]] to first[index[b + 1] - 1]; the range before those reaches into the
 * bucket. first[0] is address zero, so every address has a range.
 */
#pragma once

#include "packet.h"

/* IPv4 ranges, as image_open() checked them. count 0: no prefixes, everything is `none`. */
struct range4 {
	const uint32_t *index; /* 2^bits + 1 of them */
	const uint32_t *first;
	const uint32_t *value;
	uint32_t count; /* of ranges */
	uint32_t shift; /* 32 - bits */
};

/* The same for IPv6, bucketed on the top bits of the high word. */
struct range6 {
	const uint32_t *index;
	const struct address *first;
	const uint32_t *value;
	uint32_t count;
	uint32_t shift; /* 64 - bits */
};

static inline uint32_t range4_find(const struct range4 *range, uint32_t address, uint32_t none)
{
	uint64_t bucket = (uint64_t)address >> range->shift;
	uint32_t low, high;

	if (range->count == 0)
		return none;
	low = range->index[bucket];
	high = range->index[bucket + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (range->first[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return range->value[low - 1];
}

static inline bool address_up_to(struct address a, struct address b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo <= b.lo);
}

static inline uint64_t range6_bucket(const struct range6 *range, struct address address)
{
	return range->shift < 64 ? address.hi >> range->shift : 0;
}

/* Fetch where range6_find() will begin. */
static inline void range6_prefetch(const struct range6 *range, struct address address)
{
	if (range->count)
		__builtin_prefetch(&range->index[range6_bucket(range, address)]);
}

static inline uint32_t range6_find(const struct range6 *range, struct address address,
				   uint32_t none)
{
	uint64_t bucket = range6_bucket(range, address);
	uint32_t low, high;

	if (range->count == 0)
		return none;
	low = range->index[bucket];
	high = range->index[bucket + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (address_up_to(range->first[middle], address))
			low = middle + 1;
		else
			high = middle;
	}
	return range->value[low - 1];
}

/* Both families in one. */
struct range {
	struct range4 ip4;
	struct range6 ip6;
};

static inline uint32_t range_find(const struct range *range, bool ip6, struct address address,
				  uint32_t none)
{
	return ip6 ? range6_find(&range->ip6, address, none)
		   : range4_find(&range->ip4, (uint32_t)address.lo, none);
}
