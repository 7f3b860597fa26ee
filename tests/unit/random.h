/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that look random and are the same in every run: xorshift64* (Vigna 2016). */
#pragma once

#include <stdint.h>

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static inline uint64_t random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Below `limit`. */
static inline uint32_t random_below(uint32_t limit)
{
	return (uint32_t)(((random_u64() >> 32) * limit) >> 32);
}
