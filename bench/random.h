/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that look random and are the same in every run: xorshift64* (Vigna 2016). */
#pragma once

#include <stdint.h>

struct random {
	uint64_t state; /* not 0 */
};

static inline uint64_t random_u64(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Below `limit`. */
static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)(((random_u64(random) >> 32) * limit) >> 32);
}

/* From 0 to below 1. */
static inline double random_unit(struct random *random)
{
	return (double)(random_u64(random) >> 11) * 0x1p-53;
}
