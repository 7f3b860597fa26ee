/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What changes per packet: buckets of sources, rules and the host. The state belongs to
 * the data plane, is shared by its workers, and outlives every generation: a bucket is
 * known by what it is for (a source under a rule's name), never by an index in an image.
 *
 * Words are read and written with relaxed atomics; where workers share them they are
 * replaced by compare-and-swap. All buckets of a packet are asked before any is charged,
 * so N workers that ask for one source at one moment can overshoot its bucket by N - 1
 * packets; what was overshot is charged all the same, and so lost to those who come next.
 * The buckets of rules and of the host are lent to workers by the burst: see lease.h.
 */
#pragma once

#include "siphash.h"
#include "source.h"

#include <stddef.h>

enum { SOURCE_OVERFLOWS = 32 }; /* of each rule; a power of two */

/*
 * A rule's buckets, found by the slot that the image's loader gave the rule. Each lease writes
 * the first line, so nothing else is on it.
 */
struct rule_state {
	_Alignas(64) uint64_t rate[BUCKET_RATES];
	/* Buckets for sources whose line is full of live ones. */
	_Alignas(64) uint64_t overflow[BUCKET_RATES][SOURCE_OVERFLOWS];
};

#define STATE_MAGIC UINT32_C(0x54534c53) /* "SLST" */
enum { STATE_VERSION = 1, STATE_PAGE = 4096 };

/*
 * The head of a state, which is one piece without a pointer, so that processes and the twin may
 * share it: behind the head lie the buckets of CAP_RULE_SLOTS rules, and behind those the sources'
 * lines. Each part begins with a page, as each is a table of its own in the kernel.
 *
 * What every packet reads has a line that no packet writes, lest workers pass it to and fro.
 */
struct state {
	_Alignas(64) struct siphash_key key; /* secret, random for each state */
	uint64_t epoch_ns;                   /* the boot clock when the state was made */
	/* The data plane's, some times a second: until when the twin hands it packets. */
	uint64_t serving_until_ns;
	uint32_t magic, version; /* written last */
	uint32_t source_lines;   /* a multiple of SOURCE_GROUP */
	uint32_t shared;         /* more than one worker, or the twin beside them */
	uint32_t began_empty;    /* see state_init_empty() */
	uint32_t next_slot;      /* where slots_assign() goes on */
	_Alignas(64) uint64_t host[BUCKET_RATES];
	/* The rule whose buckets are in a slot, by its id; 0: nobody's. See slots.h for who writes.
	 */
	_Alignas(64) uint32_t owner[CAP_RULE_SLOTS];
	uint8_t pad[STATE_PAGE - 2 * 64];
};
_Static_assert((sizeof(struct state) & (STATE_PAGE - 1)) == 0, "whole pages");
_Static_assert((sizeof(struct rule_state) * CAP_RULE_SLOTS & (STATE_PAGE - 1)) == 0, "whole pages");

enum { STATE_LINES_AT = sizeof(struct state) + CAP_RULE_SLOTS * sizeof(struct rule_state) };

/* Bytes of a state with so many lines. */
static inline size_t state_size(uint32_t lines)
{
	return STATE_LINES_AT + (size_t)lines * sizeof(struct source_line);
}

#ifndef __bpf__ /* where bpf/tables.h has these */

/* The type of a state of so many lines, for who knows their number beforehand. */
#define STATE_OF(lines)                                                                            \
	struct {                                                                                   \
		struct state head;                                                                 \
		struct rule_state rule[CAP_RULE_SLOTS];                                            \
		struct source_line line[lines];                                                    \
	}

static inline struct source_line *state_line(const struct state *state, uint32_t index)
{
	return (struct source_line *)((uintptr_t)state + STATE_LINES_AT) + index;
}

/* Fetch a line, which a packet may come to. */
static inline void state_fetch(const struct state *state, uint32_t index)
{
	__builtin_prefetch(state_line(state, index), 1);
}

static inline struct rule_state *state_rule(struct state *state, uint16_t slot)
{
	return (struct rule_state *)(state + 1) + slot;
}

#endif

/* A bucket that was asked whether it has room. */
struct state_asked {
	uint64_t *word; /* NULL: nobody was asked */
	uint64_t old, taken;
};

/* Whether the bucket at *word has room for `cost` ticks. Charges nothing. */
static inline bool state_ask(const struct state *state, uint64_t *word,
			     const struct bucket_profile *profile, uint64_t now, uint64_t cost,
			     struct state_asked *asked)
{
	uint64_t old = word_load(word), settled;

	*asked = (struct state_asked){word, old, bucket_taken(old, now, cost)};
	if (__builtin_expect(bucket_fits(profile, asked->taken, now), true))
		return true;
	/* A state out of this profile's reach would refuse for as long as it stood. */
	settled = bucket_settled(profile, old, now);
	if (settled < old)
		word_swap(state->shared, word, &old, settled);
	return false;
}

/* Take the `cost` ticks that were asked for. */
static inline void state_take(const struct state *state, struct state_asked *asked, uint64_t now,
			      uint64_t cost)
{
	unsigned turns = 0;

	while (!word_swap(state->shared, asked->word, &asked->old, asked->taken)) {
		if (!loop_may_turn(&turns, TURNS_SWAP)) {
			/* It is not idle, as others charge it: so adding is all there is to do. */
			word_add(asked->word, cost);
			return;
		}
		asked->taken = bucket_taken(asked->old, now, cost);
	}
}

/* What the table knows a source by. */
struct source {
	uint64_t hash;
	uint32_t line; /* of its buckets for packets */
	bool known;    /* false: nobody asked yet */
};

/* The line of a source's buckets for packets: a share of all, by the top of its hash. */
static inline uint32_t state_source_line(const struct state *state, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * state->source_lines >> 32);
}

/*
 * The source of `key`, an IPv6 one if `ip6`: by SipHash of the key alone, as its size never
 * varies, with the family in the hash's own key.
 */
static inline struct source state_source_of(const struct state *state, uint64_t key, bool ip6)
{
	struct siphash_key keyed = {state->key.k0, state->key.k1 ^ ip6};
	uint64_t hash = siphash_last(keyed, key);

	return (struct source){hash, state_source_line(state, hash), true};
}

/* Claim a free way of `line` that starts with `backlog`; NULL: there is none. */
static inline uint64_t *state_claim(const struct state *state, struct source_line *line,
				    uint16_t tag, uint64_t backlog, uint64_t now)
{
	unsigned way = (unsigned)FORGOTTEN(source_free_way(line, now));

	if (way >= SOURCE_WAYS)
		return NULL;
	source_claim(line, way, tag, backlog, state->shared);
	return &line->state[way];
}

/* The bucket of a source that is not in its line, number `index`: see state_source(). */
SELDOM uint64_t *state_source_elsewhere(const struct state *state, uint32_t index, uint16_t tag,
					uint64_t *overflow, uint64_t limit, uint64_t now)
{
	struct source_line *line = state_line(state, index);
	struct source_line *neighbour = state_line(state, index ^ SOURCE_NEIGHBOUR);
	uint64_t backlog = source_overflowed(line, now) ? word_load(overflow) : 0;
	unsigned way = source_spilled(line, now) ? source_way(neighbour, tag) : SOURCE_WAYS;
	uint64_t *word;

	if (way < SOURCE_WAYS) {
		source_keep(neighbour, way, state->shared);
		word = &neighbour->state[way];
	} else {
		word = state_claim(state, line, tag, backlog, now);
		if (word)
			return word;
		word = state_claim(state, neighbour, tag, backlog, now);
	}
	source_spill(line, now + limit, word == NULL, now, state->shared);
	return word ? word : overflow;
}

/*
 * The bucket of `source` for `rate`, of `profile`, under rule `rule_id`, whose state is `rule`:
 * its own, or a free way claimed for it in its line or the neighbour; or, when both are full, an
 * overflow bucket that it shares with others under that rule. Whoever may have left the
 * overflow bucket takes its backlog along, so a source never gets more than its rate by
 * changing buckets. The two rates of a source lie in different lines, lest the second claim
 * the way that the first was just given. Workers that claim one way at one moment may charge
 * each other's source; the later claim stays.
 */
static inline uint64_t *state_source(struct state *state, struct rule_state *rule, uint32_t rule_id,
				     const struct bucket_profile *profile, struct source source,
				     enum bucket_rate rate, uint64_t now)
{
	uint32_t index = rate == BUCKET_BPS ? source.line ^ SOURCE_BYTES : source.line;
	struct source_line *line = state_line(state, index);
	uint16_t tag = source_tag(source.hash, rule_id);
	unsigned way = source_way(line, tag);
	uint64_t *overflow = &rule->overflow[rate][source.hash & (SOURCE_OVERFLOWS - 1)];

	if (__builtin_expect(way == SOURCE_WAYS, false))
		return state_source_elsewhere(state, index, tag, overflow, profile->limit, now);
	source_keep(line, way, state->shared);
	return &line->state[way];
}

/*
 * Make *state fresh, with all buckets full: state_size(lines) bytes, of which the caller has
 * zeroed the lines, a multiple of SOURCE_GROUP.
 */
static inline void state_init(struct state *state, uint32_t lines, struct siphash_key key,
			      uint64_t now_ns, bool shared)
{
	__builtin_memset(state, 0, STATE_LINES_AT);
	state->key = key;
	state->epoch_ns = now_ns;
	state->source_lines = lines;
	state->shared = shared;
	state->version = STATE_VERSION;
	__atomic_store_n(&state->magic, STATE_MAGIC, __ATOMIC_RELEASE);
}

/* A backlog that no profile allows: the bucket counts as just emptied whenever it is asked. */
#define STATE_EMPTIED (UINT64_MAX / 2)

/*
 * Make *state fresh, as state_init(), but with all buckets empty: nobody knows who used what there
 * was before, and over any time from now on nobody gets more than their rate. What a rule's sources
 * find is its overflow buckets' backlog, as in every line some seem to have overflowed; those
 * and a rule's own buckets are emptied, as of the beginning, when the rule is given its slot.
 *
 * A source whose tag is zero, as that of one in 65,536 is, seems to have a bucket already, a full
 * one. Nobody can choose to be it.
 */
static inline void state_init_empty(struct state *state, uint32_t lines, struct siphash_key key,
				    uint64_t now_ns, bool shared)
{
	state_init(state, lines, key, now_ns, shared);
	state->began_empty = true;
	for (unsigned rate = 0; rate < BUCKET_RATES; rate++)
		state->host[rate] = STATE_EMPTIED;
	for (uint32_t i = 0; i < lines; i++)
		source_spill(state_line(state, i), bucket_ticks(CAP_BURST_S * 1000000000), true, 0,
			     false);
}

/* Make a rule's buckets fresh in a slot that it is given. */
static inline void state_rule_init(struct state *state, uint16_t slot,
				   const struct bucket_limit *source,
				   const struct bucket_limit *total)
{
	struct rule_state *rule = state_rule(state, slot);

	for (unsigned rate = 0; rate < BUCKET_RATES; rate++) {
		uint64_t backlog = state->began_empty ? source->rate[rate].limit : 0;

		word_store(&rule->rate[rate], state->began_empty ? total->rate[rate].limit : 0);
		for (unsigned i = 0; i < SOURCE_OVERFLOWS; i++)
			word_store(&rule->overflow[rate][i], backlog);
	}
}

/* Ticks of bucket time at the clock's `now_ns`; a clock that stepped back reads as zero. */
static inline uint64_t state_now(const struct state *state, uint64_t now_ns)
{
	return now_ns > state->epoch_ns ? bucket_ticks(now_ns - state->epoch_ns) : 0;
}
