/* SPDX-License-Identifier: BSD-3-Clause */
/* The one clock that the twin's loader reads; all else is told the time. */
#pragma once

#include <stdint.h>
#include <time.h>

/* What bpf_ktime_get_coarse_ns() says: until when frames are handed over is a time of this. */
static inline uint64_t clock_coarse_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}
