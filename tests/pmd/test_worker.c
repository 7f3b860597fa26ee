/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop of a worker, on a port on which frames never end: how it crosses between two bursts. */
#include "worker.h"
#include "state_folder.h"
#include "unit/suite.h"

#include <rte_eal.h>
#include <string.h>

enum { MBUFS = 511, LINES = 64 };

/* What neither is IP nor ARP passes, and the host has a limit from which much may be borrowed. */
static const char first_policy[] =
	"{\"schema\": 1, \"origins\": {\"feeds\": []}, \"link\": \"pass\","
	"\"host\": {\"pps\": \"10M\"}}";
/* It is dropped, and there is no limit. */
static const char second_policy[] =
	"{\"schema\": 1, \"origins\": {\"feeds\": []}, \"link\": \"arp\"}";

static char folder[64];
static struct crossing crossing;
static struct worker_counters counters;
static struct board_worker board;
static struct burst_memory memory;
static STATE_OF(LINES) state;
static bool stopping;
static int64_t packets_left;
static const struct idle idle;
static struct pair pair = {
	.port = {{.rx_queues = 1, .sends_segments = true}, {.sends_segments = true}},
	.ports = 2,
};
static struct worker worker = {
	.pipeline = {.memory = &memory, .state = &state.head, .counters = &counters},
	.pairs = &pair,
	.pair_count = 1,
	.crossing = &crossing,
	.board = &board,
	.idle = &idle,
	.packets_left = &packets_left,
	.stopping = &stopping,
};

static struct generation *load(const char *policy, size_t size, uint64_t number,
			       const struct generation *running)
{
	struct generation *generation = NULL;
	struct board_refusal refusal;

	CU_ASSERT_EQUAL_FATAL(state_folder_write(policy, size, NULL, folder, STATE_WANTED, number),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		generation_load(folder, STATE_WANTED, running, 0, &generation, &refusal), 0);
	return generation;
}

/* Let the worker take one burst. How many packets that was. */
static uint64_t run(void)
{
	uint64_t before = counters.received.packets;

	packets_left = 1;
	stopping = false;
	CU_ASSERT_EQUAL(worker_run(&worker), 0);
	CU_ASSERT(counters_add_up(&counters));
	return counters.received.packets - before;
}

/* What of the host's bucket is the worker's, in ticks, as it would give it back. */
static uint64_t lent(const struct generation *generation)
{
	struct lease lease = memory.host;

	lease_settle(&lease, BUCKET_PPS, &generation->image.settings->host.rate[BUCKET_PPS]);
	return lease.ticks[BUCKET_PPS];
}

static void test_crossing(void)
{
	struct generation *first = load(first_policy, sizeof first_policy - 1, 1, NULL);
	struct generation *second = load(second_policy, sizeof second_policy - 1, 2, first);
	uint64_t passed, taken, back;

	passed = run();
	CU_ASSERT(passed > 0 && counters.reason[REASON_DEFAULT].packets == passed);
	CU_ASSERT(board.generation == 0 && !crossing.worker[0].used);
	crossing_begin(&crossing, first);
	passed += run();
	CU_ASSERT(board.generation == 1 && crossing_done(&crossing, 1));
	CU_ASSERT(counters.reason[REASON_LINK].packets > 0);
	CU_ASSERT_EQUAL(counters.verdict[VERDICT_PASS].packets, passed);
	taken = state.head.host[BUCKET_PPS];
	back = lent(first);
	CU_ASSERT(back > 0);
	crossing_begin(&crossing, second);
	CU_ASSERT(!crossing_done(&crossing, 1));
	CU_ASSERT_EQUAL(counters.verdict[VERDICT_DROP].packets, 0);
	CU_ASSERT_EQUAL(run(), counters.verdict[VERDICT_DROP].packets);
	CU_ASSERT(board.generation == 2 && crossing_done(&crossing, 1));
	CU_ASSERT_EQUAL(counters.verdict[VERDICT_PASS].packets, passed);
	CU_ASSERT_EQUAL(state.head.host[BUCKET_PPS], taken - back);
	generation_free(first);
	CU_ASSERT(run() > 0);
	CU_ASSERT_EQUAL(counters.verdict[VERDICT_PASS].packets, passed);
	generation_free(second);
}

/* The port makes frames of zeros, and frees what it is given. */
static bool start(void)
{
	static char words[][16] = {"test_worker", "--no-huge",      "-m", "64", "--no-pci",
				   "--no-shconf", "--no-telemetry", "-l", "0",  "--vdev",
				   "net_null0"};
	char *arguments[RTE_DIM(words)];
	struct rte_eth_conf conf = {0};
	struct rte_mempool *pool;

	for (unsigned i = 0; i < RTE_DIM(words); i++)
		arguments[i] = words[i];
	if (rte_eal_init(RTE_DIM(words), arguments) < 0)
		return false;
	pool = rte_pktmbuf_pool_create("frames", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	worker.pipeline.pool = pool;
	worker.pipeline.level = burst_level_best();
	state_init(&state.head, LINES, (struct siphash_key){1, 2}, 0, true);
	return pool && rte_eth_dev_configure(0, 1, 1, &conf) == 0 &&
	       rte_eth_rx_queue_setup(0, 0, 64, 0, NULL, pool) == 0 &&
	       rte_eth_tx_queue_setup(0, 0, 64, 0, NULL) == 0 && rte_eth_dev_start(0) == 0;
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a burst by each generation", test_crossing},
		CU_TEST_INFO_NULL,
	};
	char remove[80];
	int result;

	snprintf(folder, sizeof folder, "/tmp/sluice-worker-XXXXXX");
	if (!mkdtemp(folder) || !start())
		return EXIT_FAILURE;
	result = suite_run("worker", tests);
	rte_eal_cleanup();
	snprintf(remove, sizeof remove, "rm -r %s", folder);
	return system(remove) ? EXIT_FAILURE : result;
}
