/* SPDX-License-Identifier: BSD-3-Clause */
/* See worker.h. */
#include "worker.h"

#include <rte_cycles.h>
#include <rte_pause.h>

static uint16_t receive(const struct port *port, unsigned worker, struct rte_mbuf **frames)
{
	if (worker >= port->rx_queues)
		return 0;
	return rte_eth_rx_burst(port->id, (uint16_t)worker, frames, BURST_MOST);
}

static void bump(uint64_t *word, uint64_t by)
{
	__atomic_store_n(word, *word + by, __ATOMIC_RELAXED);
}

/*
 * The time. It was idle since the last look if no packet has come since: a busy worker looks
 * once a burst, one without packets when they stop and from time to time.
 */
static uint64_t look_at_clock(struct worker *worker)
{
	uint64_t now_ns = worker_clock_ns(&worker->clock);

	if (unlikely(worker->idle_polls))
		bump(&worker->board->idle_ns, now_ns - worker->looked_ns);
	worker->looked_ns = now_ns;
	return now_ns;
}

/* The time at which a burst came. */
static uint64_t wake(struct worker *worker)
{
	uint64_t now_ns = look_at_clock(worker);

	worker->idle_polls = 0;
	return now_ns;
}

static void count_down(struct worker *worker, uint16_t packets)
{
	if (worker->packets_left &&
	    __atomic_sub_fetch(worker->packets_left, packets, __ATOMIC_RELAXED) <= 0)
		__atomic_store_n(worker->stopping, true, __ATOMIC_RELEASE);
}

/* Ask each port of a pair once. Whether any had packets. */
static bool poll_pair(struct worker *worker, const struct pair *pair)
{
	struct rte_mbuf *frames[BURST_MOST];
	uint16_t count = receive(&pair->port[PORT_EDGE], worker->index, frames);
	bool busy = count > 0;

	if (count) {
		pipeline_filter(&worker->pipeline, pair, frames, count, wake(worker));
		count_down(worker, count);
	}
	for (unsigned role = PORT_SERVER; role < pair->ports; role++) {
		count = receive(&pair->port[role], worker->index, frames);
		if (count) {
			wake(worker);
			pipeline_return(&worker->pipeline, pair, frames, count);
			busy = true;
		}
	}
	return busy;
}

static void cross(struct worker *worker)
{
	const struct generation *generation = crossing_newest(worker->crossing);
	struct pipeline *pipeline = &worker->pipeline;

	if (likely(generation == pipeline->generation))
		return;
	generation_cross(generation, pipeline->generation, pipeline->memory, pipeline->state);
	pipeline->generation = generation;
	crossing_use(worker->crossing, worker->index, generation);
	__atomic_store_n(&worker->board->generation, generation->number, __ATOMIC_RELEASE);
}

static bool poll_pairs(struct worker *worker)
{
	bool busy = false;

	for (unsigned i = 0; i < worker->pair_count; i++) {
		cross(worker);
		busy |= poll_pair(worker, &worker->pairs[i]);
	}
	return busy;
}

/* After a poll that found nothing. */
static void rest(struct worker *worker)
{
	uint64_t idle_ns;
	uint32_t rest_ns;

	if (worker->idle_polls == 0)
		worker->idle_since_ns = look_at_clock(worker);
	if (worker->idle_polls < IDLE_SPINS) {
		worker->idle_polls++;
		rte_pause();
		return;
	}
	idle_ns = look_at_clock(worker) - worker->idle_since_ns;
	rest_ns = idle_rest_ns(worker->idle, idle_ns);
	if (rest_ns)
		idle_rest(worker->idle, worker->pairs, worker->pair_count, worker->index, rest_ns);
	else
		rte_pause();
}

int worker_run(void *argument)
{
	struct worker *worker = argument;

	worker->clock = worker_clock_new(rte_get_tsc_hz());
	while (!__atomic_load_n(worker->stopping, __ATOMIC_ACQUIRE)) {
		bool busy = poll_pairs(worker);

		bump(&worker->board->polls, 1);
		if (busy)
			bump(&worker->board->busy, 1);
		else
			rest(worker);
	}
	return 0;
}
