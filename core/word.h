/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 64-bit words that one worker changes, or several. All accesses are relaxed atomics: a word
 * carries its whole meaning, so nothing is ordered by it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A function that few packets need, kept out of the loops over all of them. */
#define SELDOM static __attribute__((noinline, cold, unused))

static inline uint64_t word_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void word_store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/*
 * Put `value` where *old was, or say what came between in *old. Words that are not `shared`
 * are stored to without asking.
 */
static inline bool word_swap(bool shared, uint64_t *word, uint64_t *old, uint64_t value)
{
	if (shared)
		return __atomic_compare_exchange_n(word, old, value, true, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	word_store(word, value);
	return true;
}
