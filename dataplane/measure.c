/* SPDX-License-Identifier: BSD-3-Clause */
/* See measure.h. */
#include "measure.h"

static const uint64_t second_ns = UINT64_C(1000000000);

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static void store_count(struct count *count, uint64_t packets, uint64_t bytes)
{
	store(&count->packets, packets);
	store(&count->bytes, bytes);
}

static uint32_t link_speed(uint16_t id)
{
	struct rte_eth_link link;

	if (rte_eth_link_get_nowait(id, &link))
		return VITALS_SPEED_UNKNOWN;
	return link.link_status == RTE_ETH_LINK_UP ? link.link_speed : VITALS_DOWN;
}

static void store_queues(struct vitals_port *vitals, const struct rte_eth_stats *stats)
{
	for (uint32_t i = 0; i < vitals->counted_queues; i++) {
		struct vitals_queue *queue = &vitals->queue[i];

		store_count(&queue->received, stats->q_ipackets[i], stats->q_ibytes[i]);
		store(&queue->missed, stats->q_errors[i]);
	}
}

static void measure_port(const struct port *port, struct vitals_port *vitals, uint64_t now_ns)
{
	struct rte_eth_stats stats;

	__atomic_store_n(&vitals->speed_mbps, link_speed(port->id), __ATOMIC_RELAXED);
	if (rte_eth_stats_get(port->id, &stats))
		return;
	if (stats.imissed > vitals->missed || stats.rx_nombuf > vitals->no_buffer)
		store(&vitals->dropped_ns, now_ns);
	store_count(&vitals->received, stats.ipackets, stats.ibytes);
	store_count(&vitals->sent, stats.opackets, stats.obytes);
	store(&vitals->missed, stats.imissed);
	store(&vitals->no_buffer, stats.rx_nombuf);
	store(&vitals->rx_errors, stats.ierrors);
	store(&vitals->tx_errors, stats.oerrors);
	store_queues(vitals, &stats);
}

static void describe_port(const struct port *port, uint32_t pair, enum port_role role,
			  struct vitals_port *vitals)
{
	_Static_assert(sizeof vitals->name >= sizeof port->name, "any port's name fits");
	snprintf(vitals->name, sizeof vitals->name, "%s", port->name);
	vitals->pair = pair;
	vitals->role = role;
	vitals->spread = port->spread;
	vitals->rx_queues = port->rx_queues;
	if (port->counts_queues)
		vitals->counted_queues = RTE_MIN(port->rx_queues, (uint16_t)VITALS_QUEUES);
}

/* The fastest link, over the smallest ring, says how long a worker may rest. */
static void bound_rests(const struct measure *measure)
{
	uint32_t bound_ns = IDLE_LONGEST_NS;

	for (unsigned i = 0; i < measure->ports; i++) {
		uint32_t port_ns = idle_bound_ns(measure->port[i]->rx_descriptors,
						 measure->publish->vitals->port[i].speed_mbps);

		bound_ns = RTE_MIN(bound_ns, port_ns);
	}
	__atomic_store_n(&measure->idle->bound_ns, bound_ns, __ATOMIC_RELAXED);
}

static struct measure_mark mark(const struct publish *publish, unsigned worker)
{
	const struct board_worker *board = &publish->board->worker[worker];
	const struct worker_counters *counters = &publish->counters->worker[worker];
	struct count packets = {0};

	count_sum(&packets, &counters->received);
	count_sum(&packets, &counters->returned);
	count_sum(&packets, &counters->unreturned);
	return (struct measure_mark){
		.idle_ns = __atomic_load_n(&board->idle_ns, __ATOMIC_RELAXED),
		.polls = __atomic_load_n(&board->busy, __ATOMIC_RELAXED),
		.packets = packets.packets,
	};
}

/* What worker `index` did in the `span_ns` since its mark. */
static void measure_worker(struct measure *measure, unsigned index, uint64_t span_ns,
			   uint64_t now_ns)
{
	struct vitals_worker *vitals = &measure->publish->vitals->worker[index];
	struct measure_mark former = measure->mark[index], now = mark(measure->publish, index);
	uint64_t idle_ns = RTE_MIN(now.idle_ns - former.idle_ns, span_ns);
	uint64_t polls = now.polls - former.polls, packets = now.packets - former.packets;
	uint32_t busy_bp = (uint32_t)((span_ns - idle_ns) * 10000 / span_ns);

	__atomic_store_n(&vitals->busy_bp, busy_bp, __ATOMIC_RELAXED);
	__atomic_store_n(&vitals->burst_x100, polls ? (uint32_t)(packets * 100 / polls) : 0,
			 __ATOMIC_RELAXED);
	if (busy_bp < SATURATED_BP)
		store(&vitals->saturated_ns, 0);
	else if (vitals->saturated_ns == 0)
		store(&vitals->saturated_ns, now_ns - span_ns);
	measure->mark[index] = now;
}

void measure_start(struct measure *measure, const struct publish *publish, struct idle *idle,
		   const struct pair *pairs, unsigned count, uint64_t now_ns)
{
	struct vitals *vitals = publish->vitals;

	*measure = (struct measure){
		.publish = publish, .idle = idle, .began_ns = now_ns, .ports_due_ns = now_ns};
	measure->workers_due_ns = now_ns + second_ns;
	for (unsigned i = 0; i < count; i++) {
		for (unsigned role = 0; role < pairs[i].ports; role++) {
			const struct port *port = &pairs[i].port[role];

			describe_port(port, i, role, &vitals->port[measure->ports]);
			measure_port(port, &vitals->port[measure->ports], now_ns);
			measure->port[measure->ports++] = port;
		}
	}
	bound_rests(measure);
	__atomic_store_n(&vitals->ports, measure->ports, __ATOMIC_RELEASE);
}

void measure_round(struct measure *measure, uint64_t now_ns)
{
	if (now_ns >= measure->ports_due_ns) {
		unsigned i = measure->next_port;

		measure_port(measure->port[i], &measure->publish->vitals->port[i], now_ns);
		bound_rests(measure);
		measure->next_port = i + 1 < measure->ports ? i + 1 : 0;
		measure->ports_due_ns = now_ns + second_ns / measure->ports;
	}
	if (now_ns >= measure->workers_due_ns) {
		for (unsigned i = 0; i < measure->publish->board->workers; i++)
			measure_worker(measure, i, now_ns - measure->began_ns, now_ns);
		measure->began_ns = now_ns;
		measure->workers_due_ns = now_ns + second_ns;
	}
}

void measure_end(struct measure *measure, uint64_t now_ns)
{
	for (unsigned i = 0; i < measure->ports; i++)
		measure_port(measure->port[i], &measure->publish->vitals->port[i], now_ns);
}
