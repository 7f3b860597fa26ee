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

#include "bucket.h"
#include "siphash.h"

enum {
	SOURCE_WAYS = 4,
	SOURCE_OVERFLOWS = 32, /* of each rule; a power of two */
};

/* One source's bucket under one rule and rate. A state in the past makes it free for reuse. */
struct source_entry {
	uint64_t tag;   /* keyed hash of source, rule and rate: equal tags are one bucket */
	uint64_t state; /* see bucket.h */
};

/* A cache line of them: a tag may sit in any way of its one line. */
struct source_line {
	_Alignas(64) struct source_entry way[SOURCE_WAYS];
};
_Static_assert(sizeof(struct source_line) == 64, "one cache line");

/*
 * A rule's buckets, found by the slot that the image's loader gave the rule. Each lease writes
 * the first line, so nothing else is on it.
 */
struct rule_state {
	_Alignas(64) uint64_t rate[BUCKET_RATES];
	/* Buckets for sources whose line is full of live ones. */
	_Alignas(64) uint64_t overflow[BUCKET_RATES][SOURCE_OVERFLOWS];
};

/* What every packet reads has a line that no packet writes, lest workers pass it to and fro. */
struct state {
	_Alignas(64) struct siphash_key key; /* secret, random for each process */
	uint64_t epoch_ns;                   /* the clock when the state was made */
	uint32_t source_mask;                /* lines - 1; lines are a power of two */
	bool shared;                         /* more than one worker */
	struct source_line *sources;
	struct rule_state rules[CAP_RULE_SLOTS];
	_Alignas(64) uint64_t host[BUCKET_RATES];
};

static inline uint64_t state_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void state_store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Put `value` where `old` was, or say what came between in *old. */
static inline bool state_swap(const struct state *state, uint64_t *word, uint64_t *old,
			      uint64_t value)
{
	if (state->shared)
		return __atomic_compare_exchange_n(word, old, value, true, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	state_store(word, value);
	return true;
}

/* Whether the bucket at *word has room for `cost` ticks. Charges nothing. */
static inline bool state_ask(const struct state *state, uint64_t *word,
			     const struct bucket_profile *profile, uint64_t now, uint64_t cost)
{
	uint64_t old = state_load(word);
	uint64_t taken = bucket_taken(profile, old, now, cost);

	/* A state out of this profile's reach would refuse for as long as it stood. */
	if (__builtin_expect(taken - cost < old, false))
		state_swap(state, word, &old, taken - cost);
	return bucket_fits(profile, taken, now);
}

/* Take `cost` ticks, which were asked for, from the bucket at *word. */
static inline void state_take(const struct state *state, uint64_t *word,
			      const struct bucket_profile *profile, uint64_t now, uint64_t cost)
{
	uint64_t old = state_load(word);

	while (!state_swap(state, word, &old, bucket_taken(profile, old, now, cost)))
		;
}

/*
 * What knows source `key` (an IPv6 one if `ip6`): SipHash of the key alone, as its size never
 * varies, with the family in the hash's own key.
 */
static inline uint64_t state_source_hash(const struct state *state, uint64_t key, bool ip6)
{
	struct siphash_key keyed = {state->key.k0, state->key.k1 ^ ip6};

	return siphash_last(keyed, key);
}

/* The line where source `hash` has its buckets for `rate`, under whatever rule. */
static inline struct source_line *state_source_line(const struct state *state, uint64_t hash,
						    unsigned rate)
{
	return &state->sources[(hash >> 32 & state->source_mask) ^ rate];
}

/*
 * The bucket of the source that `hash` knows for `rate` under rule `rule_id`, whose state is
 * `rule`: its own, or a free way of its line claimed for it, the one that has been free for
 * longest; or, when the line is full of live buckets, an overflow bucket that it shares with
 * others under that rule. Whoever leaves the overflow bucket takes its backlog along, so a
 * source never gets more than its rate by changing buckets. The two rates of a source lie in
 * different lines, lest the second claim the way that the first was just given. Workers that
 * claim one way at one moment may charge each other's source; the later claim stays.
 */
static inline uint64_t *state_source(struct state *state, struct rule_state *rule, uint32_t rule_id,
				     uint64_t hash, unsigned rate, uint64_t now)
{
	uint64_t spread = rule_id * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t tag = ((hash ^ spread) | 1) ^ rate << 1;
	struct source_entry *way = state_source_line(state, hash, rate)->way;
	uint64_t *overflow = &rule->overflow[rate][hash >> 2 & (SOURCE_OVERFLOWS - 1)];
	struct source_entry *oldest = way, *own = NULL;

	/* Which way it is nobody can predict, so none is branched on. */
	for (unsigned i = 0; i < SOURCE_WAYS; i++)
		own = state_load(&way[i].tag) == tag ? &way[i] : own;
	if (own)
		return &own->state;
	for (unsigned i = 1; i < SOURCE_WAYS; i++) {
		if (state_load(&way[i].state) < state_load(&oldest->state))
			oldest = &way[i];
	}
	if (state_load(&oldest->state) > now)
		return overflow;
	state_store(&oldest->tag, tag);
	state_store(&oldest->state, state_load(overflow));
	return &oldest->state;
}

/*
 * Make *state fresh over `sources`: `lines` zeroed lines, a power of two from 2, the
 * caller's to free after the last use.
 */
static inline void state_init(struct state *state, struct source_line *sources, uint32_t lines,
			      struct siphash_key key, uint64_t now_ns, bool shared)
{
	__builtin_memset(state, 0, sizeof *state);
	state->key = key;
	state->epoch_ns = now_ns;
	state->source_mask = lines - 1;
	state->shared = shared;
	state->sources = sources;
}

/* Ticks of bucket time at the clock's `now_ns`; a clock that stepped back reads as zero. */
static inline uint64_t state_now(const struct state *state, uint64_t now_ns)
{
	return now_ns > state->epoch_ns ? bucket_ticks(now_ns - state->epoch_ns) : 0;
}
