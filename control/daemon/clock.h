/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks that the daemon's event loop reads. Everything else is told the time. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_utc_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static inline uint64_t clock_us(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}
