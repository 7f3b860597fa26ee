/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet costs from port to port, at any number of sources. A capture of ten million
 * sources would not fit into the buffers that DPDK's pcap port reads it into, so this copies
 * frames into buffers as that port does, from a block whose sources were just drawn. See packets.h.
 */
#include "tsc.h"
#include "memory.h"
#include "packets.h"
#include "pipeline.h"

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_memcpy.h>
#include <stdio.h>

enum { BUFFERS = 8191, BUFFER_CACHE = 512 };

static struct rte_mempool *pool;
static struct worker_counters *counters;
static struct pair pair;

int forward_open(int socket)
{
	static const struct options_pair names = {.edge = "net_null0", .server = "net_null1"};

	pool = rte_pktmbuf_pool_create("forward", BUFFERS, BUFFER_CACHE, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	counters = memory_map(sizeof *counters);
	if (pool && counters && pair_find(&names, 1, &pair) == 0 && pair_start(&pair, pool) == 0)
		return 0;
	fprintf(stderr, "cannot forward: %s\n", rte_strerror(rte_errno));
	return -1;
}

struct worker_counters *forward_counters(void)
{
	return counters;
}

static inline void receive(const struct frames *frames, unsigned first, struct rte_mbuf **buffers)
{
	if (rte_pktmbuf_alloc_bulk(pool, buffers, BURST_MOST))
		rte_panic("buffers are lost\n");
	for (unsigned i = 0; i < BURST_MOST; i++) {
		uint32_t length = frames->length[first + i];

		rte_memcpy(rte_pktmbuf_mtod(buffers[i], void *),
			   frames->at + (size_t)(first + i) * FRAMES_APART, length);
		buffers[i]->data_len = (uint16_t)length;
		buffers[i]->pkt_len = length;
	}
}

static inline void swap_and_send(struct rte_mbuf **buffers)
{
	uint16_t sent;

	for (unsigned i = 0; i < BURST_MOST; i++) {
		struct rte_ether_hdr *header = rte_pktmbuf_mtod(buffers[i], struct rte_ether_hdr *);
		struct rte_ether_addr address = header->dst_addr;

		header->dst_addr = header->src_addr;
		header->src_addr = address;
	}
	sent = rte_eth_tx_burst(pair.port[PORT_SERVER].id, 0, buffers, BURST_MOST);
	rte_pktmbuf_free_bulk(buffers + sent, BURST_MOST - sent);
}

uint64_t forward_block(struct packet_trial *made)
{
	struct world *world = made->world;
	struct generation generation = {.image = *world->image};
	struct pipeline pipeline = {
		.generation = &generation,
		.level = made->level,
		.memory = world->memory,
		.state = world->state,
		.counters = counters,
		.pool = pool,
	};
	struct rte_mbuf *buffers[BURST_MOST];
	uint64_t from;

	packets_draw(made);
	from = tsc_now();
	for (unsigned i = 0; i < FRAMES; i += BURST_MOST) {
		receive(&made->frames, i, buffers);
		if (made->level)
			pipeline_filter(&pipeline, &pair, buffers, BURST_MOST, world->now_ns);
		else
			swap_and_send(buffers);
		world->now_ns += WORLD_STEP_NS;
	}
	return tsc_now() - from;
}
