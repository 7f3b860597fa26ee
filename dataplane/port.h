/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK ports: found by name or number, checked for what they must do, set up, started. */
#pragma once

#include "options.h"
#include "vitals.h"

#include <rte_ethdev.h>

enum { PORT_RSS_KEY = 128 }; /* room for any NIC's */

struct port {
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;
	uint16_t rx_queues; /* queue i is polled by worker i */
	uint16_t tx_queues; /* one for each worker */
	uint16_t rx_descriptors, tx_descriptors;
	enum port_spread spread;
	bool counts_queues;  /* its counters tell receive queues apart */
	bool sends_segments; /* frames in several buffers; a driver that cannot would not notice */
	bool started;
	uint8_t rss_key[PORT_RSS_KEY]; /* the driver reads it for as long as the port lives */
};

struct pair {
	char name[PORT_ROLES * OPTIONS_PORT_NAME];
	struct port port[PORT_ROLES];
	unsigned ports; /* 2, or 3 with a fallback */
};

/*
 * Find the ports of a pair and learn what queues they will have for `workers`. 0, or
 * -errno, having said which port cannot do what.
 */
int pair_find(const struct options_pair *names, unsigned workers, struct pair *pair);

/*
 * What a port that can hash what is `offered` (RTE_ETH_RSS_...) should spread frames by, and the
 * hash functions to ask it for.
 */
enum port_spread port_plan_spread(uint64_t offered, uint64_t *functions);

/* Mbufs that the rings of the pair's ports can hold. */
unsigned pair_mbufs(const struct pair *pair);

/* Configure and start the pair's ports. 0, or -errno, having said what failed where. */
int pair_start(struct pair *pair, struct rte_mempool *pool);

/* Stop those that were started. */
void pair_stop(struct pair *pair);
