/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker remembers of sources it decided lately: all that an image says of their packets
 * for the target they last asked for, up to the rule, and the hashes that limits and shedding
 * ask for. It is a cache, of one worker and one image: forgetting costs time, never a verdict.
 *
 * What time can change is not remembered: a packet that a set held is looked up each time.
 * What no set holds stays so until the image changes.
 */
#pragma once

#include "decide.h"

enum {
	RECALL_WAYS = 2,
	RECALL_BITS = 12, /* of the number of lines: half a megabyte in all */
	RECALL_EVERY = 8, /* one in so many misses is kept, lest a flood of new sources rule here */
	RECALL_REST = 15, /* bursts that do not ask, after one that asked mostly in vain */
};

struct recalled {
	struct address source, destination;
	uint64_t target;          /* packet_target(); zero where there is nothing */
	uint64_t hash;            /* of struct source, as is the line */
	struct decision decision; /* up to stage 5 */
	uint32_t line;
	uint32_t shed; /* shed_hash() */
};
_Static_assert(sizeof(struct recalled) == 64, "one cache line");

struct recall {
	unsigned missed; /* packets, ever */
	unsigned rest;   /* bursts still not to ask */
	_Alignas(64) struct recalled entry[1 << RECALL_BITS][RECALL_WAYS];
};

static inline struct recalled *recall_ways(struct recall *recall, struct address source)
{
	uint64_t mixed = (source.lo ^ source.hi) * UINT64_C(0x9e3779b97f4a7c15);

	return recall->entry[mixed >> (64 - RECALL_BITS)];
}

static inline bool recalled_is(const struct recalled *entry, const struct packet *packet)
{
	uint64_t differ = (entry->source.lo ^ packet->source.lo) |
			  (entry->source.hi ^ packet->source.hi) |
			  (entry->destination.lo ^ packet->destination.lo) |
			  (entry->destination.hi ^ packet->destination.hi) |
			  (entry->target ^ packet_target(packet));

	return differ == 0;
}

/* What is known, in the ways of its source, of an IP packet like this one, or NULL. */
static inline const struct recalled *recall_find(const struct recalled *way,
						 const struct packet *packet)
{
	/* Which way it is nobody can predict: one is chosen by a part of it, and then looked at. */
	way += way->source.lo != packet->source.lo;
	return recalled_is(way, packet) ? way : NULL;
}

static inline void recall_store(struct recall *recall, const struct packet *packet,
				struct source source, uint32_t shed, struct decision decision)
{
	struct recalled *way = recall_ways(recall, packet->source);

	if (++recall->missed & (RECALL_EVERY - 1))
		return;
	way[1] = way[0];
	way[0] = (struct recalled){
		.source = packet->source,
		.destination = packet->destination,
		.target = packet_target(packet),
		.hash = source.hash,
		.line = source.line,
		.decision = decision,
		.shed = shed,
	};
}

/* Forget every source. */
static inline void recall_clear(struct recall *recall)
{
	__builtin_memset(recall, 0, sizeof *recall);
}

/* Forget one source, whose place in the sets may have changed. */
static inline void recall_forget(struct recall *recall, struct address source)
{
	struct recalled *way = recall_ways(recall, source);

	for (unsigned i = 0; i < RECALL_WAYS; i++) {
		if (way[i].source.lo == source.lo && way[i].source.hi == source.hi)
			way[i].target = 0;
	}
}

/* Forget every single address that a layer of the sets has. */
static inline void recall_forget_layer(struct recall *recall, const struct singles *layer)
{
	for (uint32_t i = 0; i <= layer->mask4; i++) {
		const struct exact4 *line = &layer->exact4[i];

		for (unsigned way = 0; way < EXACT4_WAYS && line->word[way]; way++)
			recall_forget(recall, (struct address){0, line->address[way]});
	}
	for (uint32_t i = 0; i <= layer->mask6; i++) {
		const struct exact6 *line = &layer->exact6[i];

		for (unsigned way = 0; way < EXACT6_WAYS && line->word[way]; way++)
			recall_forget(recall, line->address[way]);
	}
}
