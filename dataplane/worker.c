/* SPDX-License-Identifier: BSD-3-Clause */
/* See worker.h. */
#include "worker.h"
#include "clock.h"

#include <rte_cycles.h>
#include <rte_pause.h>

enum {
	/*
	 * An idle worker spins a little, as the next packet is mostly near, then sleeps, as its
	 * CPU may be the one that the sender or the daemon waits for. The sleep is short enough for
	 * a receive ring of 2048 not to fill at the line rate of 10 Gbit/s.
	 */
	IDLE_POLLS = 256,
	IDLE_SLEEP_US = 50,
};

static uint16_t receive(const struct port *port, unsigned worker, struct rte_mbuf **frames)
{
	if (worker >= port->rx_queues)
		return 0;
	return rte_eth_rx_burst(port->id, (uint16_t)worker, frames, BURST_MOST);
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
		pipeline_filter(&worker->pipeline, pair, frames, count, clock_boot_ns());
		count_down(worker, count);
	}
	for (unsigned role = PORT_SERVER; role < pair->ports; role++) {
		count = receive(&pair->port[role], worker->index, frames);
		if (count)
			pipeline_return(&worker->pipeline, pair, frames, count);
		busy |= count > 0;
	}
	return busy;
}

static void cross(struct worker *worker)
{
	const struct generation *generation = crossing_step(worker->crossing, worker->index);

	if (likely(generation == worker->pipeline.generation))
		return;
	if (!generation_recalls(generation, worker->pipeline.generation))
		recall_clear(&worker->pipeline.memory->recall);
	worker->pipeline.generation = generation;
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

static void rest(unsigned idle_polls)
{
	if (idle_polls < IDLE_POLLS)
		rte_pause();
	else
		rte_delay_us_sleep(IDLE_SLEEP_US);
}

int worker_run(void *argument)
{
	struct worker *worker = argument;
	struct board_worker *board = worker->board;
	unsigned idle_polls = 0;

	while (!__atomic_load_n(worker->stopping, __ATOMIC_ACQUIRE)) {
		bool busy = poll_pairs(worker);

		__atomic_store_n(&board->polls, board->polls + 1, __ATOMIC_RELAXED);
		if (busy) {
			__atomic_store_n(&board->busy, board->busy + 1, __ATOMIC_RELAXED);
			idle_polls = 0;
		} else {
			rest(idle_polls++);
		}
	}
	return 0;
}
