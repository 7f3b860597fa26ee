/* SPDX-License-Identifier: BSD-3-Clause */
/* Cycles of the time stamp counter, which ticks at one rate whatever the core does. */
#pragma once

#include <stdint.h>
#include <time.h>

/* After what was issued before has been done. */
static inline uint64_t tsc_now(void)
{
	uint64_t tsc;

	__builtin_ia32_lfence();
	tsc = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return tsc;
}

static inline uint64_t tsc_clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}
