/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 64-bit words that one worker changes, or several. All accesses are relaxed atomics: a word
 * carries its whole meaning, so nothing is ordered by it.
 */
#pragma once

#include "reach.h"

#include <stdbool.h>
#include <stdint.h>

/* BPF's plain accesses are what relaxed atomics are elsewhere, and its compiler knows no other. */
#ifdef __bpf__
#define WORD_SHARED(shared)   ((void)(shared), true)
#define WORD_LOAD(at)         (*(const volatile __typeof__(*(at)) *)(at))
#define WORD_STORE(at, value) (*(volatile __typeof__(*(at)) *)(at) = (value))
#else
#define WORD_SHARED(shared)   (shared)
#define WORD_LOAD(at)         __atomic_load_n(at, __ATOMIC_RELAXED)
#define WORD_STORE(at, value) __atomic_store_n(at, value, __ATOMIC_RELAXED)
#endif

static inline uint64_t word_load(const uint64_t *word)
{
	return WORD_LOAD(word);
}

static inline void word_store(uint64_t *word, uint64_t value)
{
	WORD_STORE(word, value);
}

/* word_swap() of a shared word. */
static inline bool word_swap_shared(uint64_t *word, uint64_t *old, uint64_t value)
{
#ifdef __bpf__
	uint64_t found = __sync_val_compare_and_swap(word, *old, value), expected = *old;

	*old = found;
	return found == expected;
#else
	return __atomic_compare_exchange_n(word, old, value, true, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
#endif
}

/* Add to a shared word, whatever came between. */
static inline void word_add(uint64_t *word, uint64_t value)
{
#ifdef __bpf__
	__sync_fetch_and_add(word, value);
#else
	__atomic_fetch_add(word, value, __ATOMIC_RELAXED);
#endif
}

/*
 * Put `value` where *old was, or say what came between in *old. Words that are not `shared`
 * are stored to without asking.
 */
static inline bool word_swap(bool shared, uint64_t *word, uint64_t *old, uint64_t value)
{
	if (WORD_SHARED(shared))
		return word_swap_shared(word, old, value);
	word_store(word, value);
	return true;
}
