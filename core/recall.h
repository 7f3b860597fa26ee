/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker remembers of the sources and the targets it has seen lately: all that an image
 * says of either, so that a packet of both takes two comparisons and no lookup. It is a cache, of
 * one worker and one image: forgetting costs time, never a verdict.
 *
 * What time can change is not remembered: a source that a set held is looked up each time. One
 * that no set holds stays so until the image changes.
 */
#pragma once

#include "decide.h"

enum {
	RECALL_SOURCE_BITS = 13, /* of the number of lines: half a megabyte */
	RECALL_SOURCE_WAYS = 2,
	RECALL_TARGET_BITS = 7,
	RECALL_EVERY = 8, /* one in so many misses is kept, lest a flood of new sources rule here */
	RECALL_REST = 15, /* bursts that do not ask, after one that asked mostly in vain */
};

struct recalled_target {
	struct address destination;
	uint64_t target; /* packet_target(); zero where there is nothing */
	struct target_facts facts;
};
_Static_assert(sizeof(struct recalled_target) == 32, "two to a cache line");

struct recall {
	unsigned missed; /* sources that rules decide on, ever */
	unsigned rest;   /* bursts still not to ask for sources */
	_Alignas(64) struct recalled_target target[1 << RECALL_TARGET_BITS];
	_Alignas(64) struct source_facts source[1 << RECALL_SOURCE_BITS][RECALL_SOURCE_WAYS];
};

/* Whether sources are asked for in this burst. */
static inline bool recall_asks(const struct recall *recall)
{
	return recall->rest == 0;
}

static inline uint64_t recall_mix(uint64_t key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15);
}

static inline struct source_facts *recall_ways(struct recall *recall, struct address source)
{
	return recall->source[recall_mix(source.lo ^ source.hi) >> (64 - RECALL_SOURCE_BITS)];
}

static inline bool facts_are_of(const struct source_facts *facts, const struct packet *packet)
{
	return ((facts->address.lo ^ packet->source.lo) | (facts->address.hi ^ packet->source.hi) |
		(uint64_t)(facts->kind ^ packet->kind)) == 0;
}

/* What is known, in the ways of its source, of an IP packet's source, or NULL. */
static inline const struct source_facts *recall_find(const struct source_facts *way,
						     const struct packet *packet)
{
	/* Which way it is nobody can predict: one is chosen by a part of it, and then looked at. */
	way += way->address.lo != packet->source.lo;
	return facts_are_of(way, packet) ? way : NULL;
}

/* Remember a source that rules decide on. */
static inline void recall_store(struct recall *recall, const struct source_facts *facts)
{
	struct source_facts *way = recall_ways(recall, facts->address);

	way[1] = way[0];
	way[0] = *facts;
}

/* Where what is known of a target is. */
static inline unsigned recall_target_place(const struct packet *packet, uint64_t target)
{
	uint64_t key = packet->destination.lo ^ packet->destination.hi ^ target << 24;

	return (unsigned)(recall_mix(key) >> (64 - RECALL_TARGET_BITS));
}

static inline bool recalled_is(const struct recalled_target *known, const struct packet *packet,
			       uint64_t target)
{
	return ((known->destination.lo ^ packet->destination.lo) |
		(known->destination.hi ^ packet->destination.hi) | (known->target ^ target)) == 0;
}

/* What `image` says of an IP packet's target, remembered from now on. */
static inline struct target_facts recall_target(struct recall *recall, const struct image *image,
						const struct packet *packet)
{
	uint64_t target = packet_target(packet);
	struct recalled_target *known = &recall->target[recall_target_place(packet, target)];

	if (__builtin_expect(!recalled_is(known, packet, target), false))
		*known = (struct recalled_target){packet->destination, target,
						  target_find(image, packet)};
	return known->facts;
}

/* Forget everything. */
static inline void recall_clear(struct recall *recall)
{
	__builtin_memset(recall, 0, sizeof *recall);
}

/* Forget one source, whose place in the sets may have changed. */
static inline void recall_forget(struct recall *recall, struct address source)
{
	struct source_facts *way = recall_ways(recall, source);

	for (unsigned i = 0; i < RECALL_SOURCE_WAYS; i++) {
		if (way[i].address.lo == source.lo && way[i].address.hi == source.hi)
			way[i].kind = 0;
	}
}

/* Forget every single address that a layer of the sets has. */
static inline void recall_forget_layer(struct recall *recall, const struct singles *layer)
{
	for (uint32_t i = 0; i <= layer->mask4; i++) {
		const struct exact4 *line = &layer->exact4[i];

		for (unsigned way = 0; way < EXACT4_WAYS; way++) {
			if (line->word[way])
				recall_forget(recall, (struct address){0, line->address[way]});
		}
	}
	for (uint32_t i = 0; i <= layer->mask6; i++) {
		const struct exact6 *line = &layer->exact6[i];

		for (unsigned way = 0; way < EXACT6_WAYS; way++) {
			if (line->word[way])
				recall_forget(recall, line->address[way]);
		}
	}
}
