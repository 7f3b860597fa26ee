/* SPDX-License-Identifier: BSD-3-Clause */
/* See idle.h. */
#include "idle.h"
#include "say.h"
#include "worker_clock.h"

#include <rte_cpuflags.h>
#include <rte_power_intrinsics.h>
#include <time.h>

enum {
	WIRE_BITS = 84 * 8, /* of the shortest frame, with preamble and gap */
	SPEED_ASSUMED_MBPS = 10000,
};

static const char *const way_words[] = {
	[IDLE_WATCH] = "watch their queues",
	[IDLE_WATCH_ONE] = "watch a queue each",
	[IDLE_PAUSE] = "pause the CPU",
	[IDLE_SLEEP] = "sleep",
};

enum idle_way idle_way(const struct rte_cpu_intrinsics *cpu, bool watchable)
{
	if (watchable && cpu->power_monitor_multi)
		return IDLE_WATCH;
	if (watchable && cpu->power_monitor)
		return IDLE_WATCH_ONE;
	return cpu->power_pause ? IDLE_PAUSE : IDLE_SLEEP;
}

/* Where the NIC writes next in each of a worker's queues. How many, or 0: not all can say. */
static uint32_t watch_addresses(const struct pair *pairs, unsigned count, unsigned queue,
				struct rte_power_monitor_cond *conditions)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned role = 0; role < pairs[i].ports; role++) {
			const struct port *port = &pairs[i].port[role];

			if (queue >= port->rx_queues)
				continue;
			if (rte_eth_get_monitor_addr(port->id, (uint16_t)queue,
						     &conditions[found++]))
				return 0;
		}
	}
	return found;
}

void idle_plan(struct idle *idle, const struct pair *pairs, unsigned count)
{
	struct rte_power_monitor_cond conditions[CAP_PORTS];
	struct rte_cpu_intrinsics cpu;

	rte_cpu_get_intrinsics_support(&cpu);
	idle->way = idle_way(&cpu, watch_addresses(pairs, count, 0, conditions) > 0);
	idle->bound_ns = IDLE_LONGEST_NS;
	say("workers without packets %s", way_words[idle->way]);
}

uint32_t idle_bound_ns(uint32_t descriptors, uint32_t speed_mbps)
{
	uint32_t mbps = speed_mbps == VITALS_DOWN || speed_mbps == VITALS_SPEED_UNKNOWN
				? SPEED_ASSUMED_MBPS
				: speed_mbps;
	uint64_t full_ns = (uint64_t)descriptors * WIRE_BITS * 1000 / mbps;

	return (uint32_t)RTE_MIN(full_ns / 2, (uint64_t)IDLE_LONGEST_NS);
}

uint32_t idle_rest_ns(const struct idle *idle, uint64_t idle_ns)
{
	uint32_t bound_ns = __atomic_load_n(&idle->bound_ns, __ATOMIC_RELAXED);
	uint32_t rest_ns = (uint32_t)RTE_MIN(idle_ns / 2, (uint64_t)bound_ns);

	return idle->way == IDLE_SLEEP && rest_ns < IDLE_SLEEP_LEAST_NS ? 0 : rest_ns;
}

static void watch(enum idle_way way, const struct pair *pairs, unsigned count, unsigned queue,
		  uint64_t until_ticks)
{
	struct rte_power_monitor_cond conditions[CAP_PORTS];
	uint32_t found = watch_addresses(pairs, count, queue, conditions);

	if (found && way == IDLE_WATCH)
		rte_power_monitor_multi(conditions, found, until_ticks);
	else if (found)
		rte_power_monitor(&conditions[0], until_ticks);
}

void idle_rest(const struct idle *idle, const struct pair *pairs, unsigned count, unsigned queue,
	       uint32_t rest_ns)
{
	const struct timespec pause = {.tv_nsec = rest_ns};
	uint64_t ticks;

	if (idle->way == IDLE_SLEEP) {
		nanosleep(&pause, NULL);
		return;
	}
	ticks = worker_clock_ticks_in(rest_ns);
	if (idle->way == IDLE_PAUSE)
		rte_power_pause(ticks);
	else
		watch(idle->way, pairs, count, queue, ticks);
}
