/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Longest-prefix match over flat arrays: prefixes are cut ahead of time into disjoint
 * ranges, sorted by first address. An index of cells leads to an address's: a tree in which
 * each node is an array of cells that divides what its parent covers into 2^bits equal parts,
 * as many as ranges begin there or more (a level-compressed trie: Nilsson and Karlsson 1999).
 * Most addresses find their value in the second cell or third, and the rest search the few
 * ranges that begin in theirs. The worst case is bounded by the number of prefixes, never
 * by their lengths, and the whole is position-independent: three arrays and no pointer.
 *
 * first[0] is address zero, so every address has a range. index[0] is the root; nodes follow
 * one another by level, in the order of their parents. IPv6 is indexed by the high word.
 */
#pragma once

#include "packet.h"
#include "reach.h"

enum {
	RANGE_LEVELS = 3,     /* of nodes, so a walk takes so many steps at most */
	RANGE_NODE_BITS = 16, /* that a node decides, at most */
};

/* A part of the address space, and what to look at next. */
struct range_cell {
	uint32_t at;     /* a node: its first cell; others: see below */
	uint32_t inside; /* a node: RANGE_NODE, its shift and bits */
};
_Static_assert(sizeof(struct range_cell) == 8, "part of the image");

/*
 * A cell that is no node: `inside` is how many ranges begin inside it, of which `at` is the
 * first. If none does, `at` is the value of all of it.
 */
#define RANGE_NODE UINT32_C(0x80000000)

static inline struct range_cell range_node(uint32_t at, unsigned shift, unsigned bits)
{
	return (struct range_cell){at, RANGE_NODE | shift << 8 | bits};
}

static inline bool range_is_node(struct range_cell cell)
{
	return cell.inside & RANGE_NODE;
}

static inline unsigned range_node_bits(struct range_cell node)
{
	return node.inside & 0xff;
}

static inline unsigned range_node_shift(struct range_cell node)
{
	return node.inside >> 8 & 63;
}

/* Which cell of a node an address is in; IPv4 addresses and the high words of IPv6 ones. */
static inline uint32_t range_child(struct range_cell node, uint64_t address)
{
	uint32_t last = (UINT32_C(1) << range_node_bits(node)) - 1;

	return node.at + ((uint32_t)(address >> range_node_shift(node)) & last);
}

/* The cell that is no node. */
static inline struct range_cell range_walk(const struct range_cell *index, uint64_t address)
{
	struct range_cell cell = READ(index[0]);

	for (unsigned level = 0; level < RANGE_LEVELS && range_is_node(cell); level++)
		cell = READ(index[range_child(cell, address)]);
	return cell;
}

/* IPv4 ranges, as image_open() checked them. count 0: no prefixes, everything is `none`. */
struct range4 {
	const struct range_cell *index;
	const uint32_t *first;
	const uint32_t *value;
	uint32_t count; /* of ranges */
};

/* The same for IPv6. */
struct range6 {
	const struct range_cell *index;
	const struct address *first;
	const uint32_t *value;
	uint32_t count;
};

ALONE uint32_t range4_find(const struct range4 *range, uint32_t address, uint32_t none)
{
	struct range_cell cell;
	uint32_t low, high;
	unsigned turns = 0;

	ASSURED(range);
	if (range->count == 0)
		return none;
	cell = range_walk(range->index, address);
	if (cell.inside == 0)
		return cell.at;
	low = cell.at;
	high = cell.at + cell.inside;
	while (low < high && loop_may_turn(&turns, TURNS_SEARCH)) {
		uint32_t middle = low + (high - low) / 2;

		if (READ(range->first[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return READ(range->value[low - 1]);
}

static inline bool address_up_to(struct address a, struct address b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo <= b.lo);
}

ALONE uint32_t range6_find(const struct range6 *range, uint64_t hi, uint64_t lo, uint32_t none)
{
	const struct address address = {hi, lo};
	struct range_cell cell;
	uint32_t low, high;
	unsigned turns = 0;

	ASSURED(range);
	if (range->count == 0)
		return none;
	cell = range_walk(range->index, hi);
	if (cell.inside == 0)
		return cell.at;
	low = cell.at;
	high = cell.at + cell.inside;
	while (low < high && loop_may_turn(&turns, TURNS_SEARCH)) {
		uint32_t middle = low + (high - low) / 2;

		if (address_up_to(READ(range->first[middle]), address))
			low = middle + 1;
		else
			high = middle;
	}
	return READ(range->value[low - 1]);
}

/* Both families in one. */
struct range {
	struct range4 ip4;
	struct range6 ip6;
};

static inline uint32_t range_find(const struct range *range, bool ip6, struct address address,
				  uint32_t none)
{
	if ((ip6 ? range->ip6.count : range->ip4.count) == 0)
		return none;
	return ip6 ? range6_find(&range->ip6, address.hi, address.lo, none)
		   : range4_find(&range->ip4, (uint32_t)address.lo, none);
}

/*
 * Fetch what range_find() comes to after the root's node, which is looked at so much that it is
 * near. Inlined at once: see singles_prefetch().
 */
static inline __attribute__((always_inline)) void range_prefetch(const struct range *range,
								 bool ip6, struct address address)
{
	const struct range_cell *index = ip6 ? range->ip6.index : range->ip4.index;
	uint64_t word = ip6 ? address.hi : address.lo;
	struct range_cell cell;

	if (!index || !range_is_node(index[0]))
		return;
	cell = index[range_child(index[0], word)];
	if (range_is_node(cell))
		__builtin_prefetch(&index[range_child(cell, word)]);
}
