/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Token buckets by the generic cell rate algorithm (ITU-T I.371, annex A): the whole
 * state is one word, the theoretical arrival time at which the bucket is full again. A
 * time in the past therefore means a full bucket, so a state that is zero, or whose
 * owner went idle, may be given to another owner without loss.
 *
 * Times are ticks of 2^-8 ns since the state was made, good for 2.2 years of one process.
 * Costs are rounded up by less than a tick, so nothing is admitted early, and late by
 * less than 0.1% up to CAP_PPS, and up to CAP_BPS in frames of 60 bytes.
 */
#pragma once

#include "caps.h"

#include <stdbool.h>
#include <stdint.h>

enum { BUCKET_TICK_BITS = 8 };

/* A compiled rate, of packets or of bytes. */
struct bucket_profile {
	uint64_t cost;  /* ticks a unit, scaled up by 2^shift; below 2^47; 0: no limit */
	uint64_t limit; /* ticks that the whole burst costs */
	uint8_t shift;  /* at most 32; 0 for packets */
	uint8_t pad[7];
};
_Static_assert(sizeof(struct bucket_profile) == 24, "part of the image");

/* A limit is two rates, and a packet needs room in both. */
enum bucket_rate { BUCKET_PPS, BUCKET_BPS, BUCKET_RATES };

struct bucket_limit {
	struct bucket_profile rate[BUCKET_RATES];
};

static inline uint64_t bucket_ticks(uint64_t ns)
{
	return ns << BUCKET_TICK_BITS;
}

static inline bool bucket_limits(const struct bucket_limit *limit)
{
	return limit->rate[BUCKET_PPS].cost | limit->rate[BUCKET_BPS].cost;
}

/* Ticks that a packet of `length` bytes, at most CAP_FRAME, costs at `rate`. */
static inline uint64_t bucket_cost(const struct bucket_profile *profile, enum bucket_rate rate,
				   uint32_t length)
{
	uint64_t round_up = (UINT64_C(1) << profile->shift) - 1;

	return rate == BUCKET_PPS ? profile->cost
				  : (length * profile->cost + round_up) >> profile->shift;
}

/*
 * The state as this profile sees it, at `now` or later. What lies more than a second past
 * an empty bucket was left by a slower or deeper profile, and counts as just emptied. (The
 * second is for workers: their clocks may differ by that much before one forgives another's
 * charge.)
 */
static inline uint64_t bucket_settled(const struct bucket_profile *profile, uint64_t state,
				      uint64_t now)
{
	uint64_t empty = now + profile->limit;

	if (__builtin_expect(state > empty + bucket_ticks(1000000000), false))
		return empty;
	return state > now ? state : now;
}

/*
 * The state after taking `cost` ticks, if bucket_fits() it. Only a state that was settled, or
 * that has room left, can fit.
 */
static inline uint64_t bucket_taken(uint64_t state, uint64_t now, uint64_t cost)
{
	return (state > now ? state : now) + cost;
}

/* Whether the bucket has room for what `taken` has taken. */
static inline bool bucket_fits(const struct bucket_profile *profile, uint64_t taken, uint64_t now)
{
	return taken <= now + profile->limit;
}
