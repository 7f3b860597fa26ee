/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in several buffers, and ports that can send such frames or cannot. */
#include "pipeline.h"
#include "unit/suite.h"

#include <rte_eal.h>

enum { FRAMES = 8, FRAME = 100, MBUFS = 255 };

static struct rte_mempool *pool;
static struct worker_counters counters;

/* Every other frame is in two buffers. */
static void fill(struct rte_mbuf *frames[FRAMES])
{
	for (unsigned i = 0; i < FRAMES; i++) {
		struct rte_mbuf *rest;

		frames[i] = rte_pktmbuf_alloc(pool);
		CU_ASSERT_PTR_NOT_NULL_FATAL(frames[i]);
		memset(rte_pktmbuf_append(frames[i], FRAME), 0, FRAME);
		if (i % 2 == 0)
			continue;
		rest = rte_pktmbuf_alloc(pool);
		CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
		memset(rte_pktmbuf_append(rest, FRAME), 0, FRAME);
		CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(frames[i], rest), 0);
	}
}

static void test_segments(void)
{
	struct pipeline pipeline = {.counters = &counters, .pool = pool};
	struct rte_mbuf *frames[FRAMES];

	for (unsigned sends = 0; sends < 2; sends++) {
		struct port port = {.sends_segments = sends};
		struct pair pair = {.port = {port, port}, .ports = 2};

		counters = (struct worker_counters){0};
		fill(frames);
		pipeline_filter(&pipeline, &pair, frames, FRAMES, 0);
		fill(frames);
		pipeline_return(&pipeline, &pair, frames, FRAMES);
		CU_ASSERT(counters_add_up(&counters));
		CU_ASSERT_EQUAL(counters.received.packets, FRAMES);
		CU_ASSERT_EQUAL(counters.unsent.packets, sends ? 0 : FRAMES / 2);
		CU_ASSERT_EQUAL(counters.unsent.bytes, sends ? 0 : FRAMES / 2 * 2 * FRAME);
		CU_ASSERT_EQUAL(counters.returned.packets, sends ? FRAMES : FRAMES / 2);
		CU_ASSERT_EQUAL(counters.unreturned.packets, sends ? 0 : FRAMES / 2);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), MBUFS);
	}
}

/* The first port takes every frame and frees it. */
static bool start(void)
{
	static char words[][16] = {"test_pipeline", "--no-huge",      "-m", "64", "--no-pci",
				   "--no-shconf",   "--no-telemetry", "-l", "0",  "--vdev",
				   "net_null0"};
	char *arguments[RTE_DIM(words)];
	struct rte_eth_conf conf = {0};

	for (unsigned i = 0; i < RTE_DIM(words); i++)
		arguments[i] = words[i];
	if (rte_eal_init(RTE_DIM(words), arguments) < 0)
		return false;
	pool = rte_pktmbuf_pool_create("frames", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return pool && rte_eth_dev_configure(0, 1, 1, &conf) == 0 &&
	       rte_eth_rx_queue_setup(0, 0, 64, 0, NULL, pool) == 0 &&
	       rte_eth_tx_queue_setup(0, 0, 64, 0, NULL) == 0 && rte_eth_dev_start(0) == 0;
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"frames in several buffers", test_segments},
		CU_TEST_INFO_NULL,
	};
	int result;

	if (!start())
		return EXIT_FAILURE;
	result = suite_run("pipeline", tests);
	rte_eal_cleanup();
	return result;
}
