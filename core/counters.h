/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters: a shared file, written by the data plane, one block for each worker on cache
 * lines of its own, summed by whoever reads. Words are written with relaxed stores by
 * their one worker; a reader may see a packet in one word and not yet in another. The twin has
 * blocks of the same kind, one for each CPU, in a map of the kernel's.
 *
 * Every packet from an edge port ends in exactly one reason, hence for each worker, once
 * it stands still, and for their sums:
 *
 *     received = sum over reasons of reason[]                            (packets and bytes)
 *     received = sum over verdicts of verdict[]
 *     verdict[PASS] + verdict[DIVERT] = sent + unsent
 *
 * counters_add_up() asserts it; every test that moves packets calls it.
 */
#pragma once

#include "decide.h"

#define COUNTERS_MAGIC UINT32_C(0x4e434c53) /* "SLCN" */
enum { COUNTERS_VERSION = 3 };

struct count {
	uint64_t packets;
	uint64_t bytes; /* whole frames, without FCS */
};

/* What became of the packets that matched one rule: a subset of the reasons and verdicts. */
enum rule_outcome {
	OUTCOME_DIVERTED,
	OUTCOME_SHED,
	OUTCOME_SOURCE_LIMIT,
	OUTCOME_RULE_LIMIT,
	OUTCOME_HOST_LIMIT,
	OUTCOME_ADMITTED,
	OUTCOME_COUNT
};

struct worker_counters {
	_Alignas(64) struct count received; /* from edge ports */
	struct count reason[REASON_COUNT];
	struct count verdict[VERDICT_COUNT];
	struct count sent;     /* passed or diverted, and taken by the port */
	struct count unsent;   /* passed or diverted, but the port's queue was full */
	struct count returned; /* from server and fallback ports, forwarded to the edge */
	struct count unreturned;
	struct count
		handed; /* the twin's alone: given to the data plane, and nothing of the above */
	struct count rule[CAP_RULE_SLOTS][OUTCOME_COUNT];
};

/* The whole file. The data plane writes everything in it. */
struct counters {
	uint32_t magic, version;
	uint32_t workers;
	uint32_t pad;
	uint32_t slot_rule[CAP_RULE_SLOTS]; /* the rule id a slot counts for; 0: free */
	struct worker_counters worker[];    /* [workers] */
};

static inline void count_add(struct count *count, uint64_t packets, uint64_t bytes)
{
	WORD_STORE(&count->packets, count->packets + packets);
	WORD_STORE(&count->bytes, count->bytes + bytes);
}

static inline void count_packet(struct count *count, uint32_t bytes)
{
	count_add(count, 1, bytes);
}

static inline enum rule_outcome decision_outcome(const struct decision *decision)
{
	/* The outcomes but one are reasons, and in their order. */
	return decision->verdict == VERDICT_DIVERT
		       ? OUTCOME_DIVERTED
		       : (enum rule_outcome)(decision->reason - REASON_SHED + OUTCOME_SHED);
}
_Static_assert(OUTCOME_SOURCE_LIMIT - OUTCOME_SHED == REASON_SOURCE_LIMIT - REASON_SHED &&
		       OUTCOME_ADMITTED - OUTCOME_SHED == REASON_ADMITTED - REASON_SHED,
	       "same order");

/* The word for an outcome below its COUNT; static storage. */
static inline const char *outcome_word(enum rule_outcome outcome)
{
	return outcome == OUTCOME_DIVERTED
		       ? "diverted"
		       : reason_word((enum reason)(outcome - OUTCOME_SHED + REASON_SHED));
}

/* Reason and verdict in one number below 64. */
enum { ENDING_VERDICT_BITS = 2 };
_Static_assert(REASON_COUNT << ENDING_VERDICT_BITS <= 64 && VERDICT_COUNT <= 4, "a bit each");

/* Count the packets that ended as `ending`, all at once. */
static inline void count_ending(struct worker_counters *worker, unsigned ending,
				const uint8_t *endings, const uint32_t *lengths, unsigned count)
{
	uint32_t packets = 0, bytes = 0;

	for (unsigned i = 0; i < count; i++) {
		packets += endings[i] == ending;
		bytes += endings[i] == ending ? lengths[i] : 0;
	}
	count_add(&worker->received, packets, bytes);
	count_add(&worker->reason[ending >> ENDING_VERDICT_BITS], packets, bytes);
	count_add(&worker->verdict[ending & ((1 << ENDING_VERDICT_BITS) - 1)], packets, bytes);
}

/*
 * Count at most BURST_MOST received packets of `lengths` bytes and how each ended. Of the many
 * ways to end a burst knows few, and what those have in common is added up before it is written.
 */
static inline void counters_decided(struct worker_counters *worker, const uint32_t *lengths,
				    const struct decision *decisions, unsigned count)
{
	uint8_t endings[BURST_MOST];
	uint64_t seen = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct decision *decision = &decisions[i];

		endings[i] = (uint8_t)(decision->reason << ENDING_VERDICT_BITS | decision->verdict);
		seen |= UINT64_C(1) << endings[i];
	}
	for (; seen; seen &= seen - 1)
		count_ending(worker, (unsigned)__builtin_ctzll(seen), endings, lengths, count);
}

/* Count how a packet ended for the one of `rules` that it matched, if it did. */
static inline void count_rule(struct worker_counters *worker, uint32_t length,
			      const struct decision *decision, const struct rule *rules)
{
	if (decision->rule != NONE)
		count_packet(&worker->rule[rules[decision->rule].slot][decision_outcome(decision)],
			     length);
}

static inline void count_sum(struct count *sum, const struct count *count)
{
	sum->packets += WORD_LOAD(&count->packets);
	sum->bytes += WORD_LOAD(&count->bytes);
}

static inline bool count_equal(const struct count *a, const struct count *b)
{
	return a->packets == b->packets && a->bytes == b->bytes;
}

/* Whether the equations above hold for a worker that stands still, or for a sum of such. */
static inline bool counters_add_up(const struct worker_counters *worker)
{
	struct count reasons = {0}, verdicts = {0}, out = {0}, forwarded = {0};

	for (unsigned i = 0; i < REASON_COUNT; i++)
		count_sum(&reasons, &worker->reason[i]);
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		count_sum(&verdicts, &worker->verdict[i]);
	count_sum(&out, &worker->verdict[VERDICT_PASS]);
	count_sum(&out, &worker->verdict[VERDICT_DIVERT]);
	count_sum(&forwarded, &worker->sent);
	count_sum(&forwarded, &worker->unsent);
	return count_equal(&reasons, &worker->received) &&
	       count_equal(&verdicts, &worker->received) && count_equal(&out, &forwarded);
}
