/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks, for the worker loop and the main loop alone; all else is told the time. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

/* The clock of packets and expiries: it never steps, and it counts time asleep. */
static inline uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* The clock that the twin compares the promise to serve with. */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_utc_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}
