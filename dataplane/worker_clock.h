/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's clock: CLOCK_BOOTTIME, asked for a few thousand times a second and told by the
 * CPU's tick counter in between, which costs a third of what asking does. What it tells never
 * steps back, and is off by no more than the counter's rate is in 100 us, or early by as much
 * if the worker was interrupted just as it asked. A counter that stopped or began anew while the
 * machine slept is noticed within that time too.
 */
#pragma once

#include "clock.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

enum { WORKER_CLOCK_ASK_NS = 100000 };

struct worker_clock {
	uint64_t asked_ticks, asked_ns; /* when the system was last asked, and what it said */
	uint64_t ask_ticks;             /* ask again after so many */
	uint64_t tick;                  /* nanoseconds, in units of 2^-32 */
	uint64_t told_ns;
};

/* A clock that asks when it is first looked at; `hz` is the rate of the tick counter. */
static inline struct worker_clock worker_clock_new(uint64_t hz)
{
	return (struct worker_clock){
		.ask_ticks = hz / (UINT64_C(1000000000) / WORKER_CLOCK_ASK_NS),
		.tick = (UINT64_C(1000000000) << 32) / hz,
	};
}

static inline uint64_t worker_clock_ns(struct worker_clock *clock)
{
	uint64_t ticks = rte_rdtsc(), now_ns;

	if (unlikely(ticks - clock->asked_ticks >= clock->ask_ticks)) {
		clock->asked_ticks = ticks;
		clock->asked_ns = clock_boot_ns();
	}
	now_ns = clock->asked_ns + ((ticks - clock->asked_ticks) * clock->tick >> 32);
	if (likely(now_ns > clock->told_ns))
		clock->told_ns = now_ns;
	return clock->told_ns;
}

/* What the tick counter will read `ns` from now. */
static inline uint64_t worker_clock_ticks_in(uint32_t ns)
{
	return rte_rdtsc() + rte_get_tsc_hz() * ns / UINT64_C(1000000000);
}
