/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker does between packets. It polls on for a moment, as the next packet is mostly
 * near; then it rests between polls, each time for half as long as it has been idle, so that
 * what a packet waits for a worker to return is small beside what it was late anyhow; and never
 * for longer than until half a receive ring has filled at line rate, so that no burst is lost.
 * A worker that finds packets at every poll comes nowhere near this.
 */
#pragma once

#include "port.h"

/* How to rest, the best first. */
enum idle_way {
	IDLE_WATCH,     /* until the NIC writes to any of the worker's receive queues */
	IDLE_WATCH_ONE, /* or to the first edge port's, the others being asked when time is up */
	IDLE_PAUSE,     /* for a time that the CPU counts, in a light sleep of its own */
	IDLE_SLEEP,     /* for a time that the kernel counts */
};

enum {
	IDLE_SPINS = 256,           /* polls before the first rest */
	IDLE_LONGEST_NS = 50000,    /* that a packet should wait for */
	IDLE_SLEEP_LEAST_NS = 5000, /* what the kernel takes to end a sleep; less is spun away */
};

/* Both are the same for all workers. */
struct idle {
	enum idle_way way;
	uint32_t bound_ns; /* of a rest; writer: the main thread */
};

struct rte_cpu_intrinsics;

/* The best way that the CPU has, and the ports, if `watchable`, whose queues can be watched. */
enum idle_way idle_way(const struct rte_cpu_intrinsics *cpu, bool watchable);

/* Find the way for workers of `count` pairs, which are started, and say which it is. */
void idle_plan(struct idle *idle, const struct pair *pairs, unsigned count);

/* The longest rest at which half a ring of `descriptors` holds what a link brings. */
uint32_t idle_bound_ns(uint32_t descriptors, uint32_t speed_mbps);

/* What to rest for, having been idle for `idle_ns`; 0: poll on. */
uint32_t idle_rest_ns(const struct idle *idle, uint64_t idle_ns);

/* Rest for `rest_ns`, or until packets come to queue `queue` of the ports that are watched. */
void idle_rest(const struct idle *idle, const struct pair *pairs, unsigned count, unsigned queue,
	       uint32_t rest_ns);
