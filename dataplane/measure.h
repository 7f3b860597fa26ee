/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measuring how the data plane bears its load, for core/vitals.h: asks the ports and looks at
 * the workers' boards. Main thread only, and never for long: one port a round, so that a change
 * of policy waits for no more than one port's answer.
 */
#pragma once

#include "idle.h"
#include "publish.h"

/* What a worker had done when its running second began. */
struct measure_mark {
	uint64_t idle_ns, polls, packets;
};

struct measure {
	const struct publish *publish;
	struct idle *idle; /* its bound follows the links' speeds */
	const struct port *port[CAP_PORTS];
	unsigned ports, next_port;
	uint64_t ports_due_ns, workers_due_ns; /* CLOCK_BOOTTIME */
	uint64_t began_ns;                     /* the workers' running second */
	struct measure_mark mark[CAP_WORKERS];
};

/*
 * Begin with the ports, which are started, of `count` pairs, before the workers run; now_ns is
 * CLOCK_BOOTTIME here and below. What is given stays the caller's.
 */
void measure_start(struct measure *measure, const struct publish *publish, struct idle *idle,
		   const struct pair *pairs, unsigned count, uint64_t now_ns);

/* A round: whatever is due is measured and published. */
void measure_round(struct measure *measure, uint64_t now_ns);

/* Ask every port a last time, before they are stopped. */
void measure_end(struct measure *measure, uint64_t now_ns);
