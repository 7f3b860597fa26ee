/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-latency: how long a packet takes through a worker, from the moment it was due to be sent
 * until it is out, at fixed offered loads, beside a loop that forwards and decides nothing. One
 * lcore sends and receives, the other forwards between two ring ports.
 *
 * The load is open: packets are due at random moments (exponential gaps) that do not wait for
 * anything, and carry the moment, so one that could not be sent in time counts its wait.
 */
#include "calibrate.h"
#include "dpdk.h"
#include "memory.h"
#include "scenes.h"
#include "tsc.h"
#include "worker.h"

#include <math.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	BUFFERS = 16383,
	BUFFER_CACHE = 512,
	STAMP = 64,       /* where in a buffer the moment is, behind the frame */
	WINDOW_US = 3000, /* short, as many others want the CPU on some machines */
	WINDOWS = 50,     /* of a turn */
	DRAIN_US = 300,
	GAPS = 4096, /* a power of two */
	SLOWEST_NS = 1 << 20,
	LOADS = 3,
	CONTENDERS = 2,
};

static const unsigned load_percent[LOADS] = {10, 50, 80};
static const char *const contenders[CONTENDERS] = {"sluice", "forward"};

/* Latencies of fair windows, a nanosecond each; the last is whatever took longer. */
struct histogram {
	uint32_t count[SLOWEST_NS];
	uint64_t packets, lost;
	unsigned windows, kept;
};

struct window {
	uint64_t began, sent, lost, received;
	uint32_t *latency; /* TSC cycles */
	size_t most;
};

static struct policy_image policy;
static struct world world;
static struct frames frames;
static struct rte_mempool *pool;
static struct pair pair;
static struct crossing crossing;
static struct generation generation;
static struct board_worker board;
static struct idle idle;
static struct worker worker;
static bool stopping;
static double gaps[GAPS]; /* of mean 1 */
static struct window window;
static struct histogram histogram[LOADS][CONTENDERS];

/* An exchange of what is received for what is sent, and nothing else. */
static int forward_run(void *argument)
{
	struct rte_mbuf *buffers[BURST_MOST];

	(void)argument;
	while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
		uint16_t count = rte_eth_rx_burst(pair.port[PORT_EDGE].id, 0, buffers, BURST_MOST);
		uint16_t sent = 0;

		__atomic_store_n(&board.polls, board.polls + 1, __ATOMIC_RELAXED);
		if (count == 0)
			rte_pause();
		else
			sent = rte_eth_tx_burst(pair.port[PORT_SERVER].id, 0, buffers, count);
		rte_pktmbuf_free_bulk(buffers + sent, count - sent);
	}
	return 0;
}

static int launch(unsigned contender)
{
	static lcore_function_t *const run[CONTENDERS] = {worker_run, forward_run};

	__atomic_store_n(&stopping, false, __ATOMIC_RELEASE);
	return rte_eal_remote_launch(run[contender], &worker, rte_get_next_lcore(-1, 1, 0));
}

static void halt(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	rte_eal_mp_wait_lcore();
}

/* Send `count` packets, at most BURST_MOST, due at these moments. */
static void send_due(const uint64_t *due, uint16_t count)
{
	static unsigned at;
	struct rte_mbuf *buffers[BURST_MOST];
	uint16_t sent;

	window.sent += count;
	if (rte_pktmbuf_alloc_bulk(pool, buffers, count)) {
		window.lost += count;
		return;
	}
	for (uint16_t i = 0; i < count; i++, at = (at + 1) % FRAMES) {
		uint8_t *data = rte_pktmbuf_mtod(buffers[i], uint8_t *);

		memcpy(data, frames.at + (size_t)at * FRAMES_APART, STAMP);
		memcpy(data + STAMP, &due[i], sizeof due[i]);
		buffers[i]->data_len = (uint16_t)frames.length[at];
		buffers[i]->pkt_len = frames.length[at];
	}
	sent = rte_eth_tx_burst(pair.port[PORT_EDGE].id, 0, buffers, count);
	window.lost += count - sent;
	rte_pktmbuf_free_bulk(buffers + sent, count - sent);
}

static void receive(void)
{
	struct rte_mbuf *buffers[BURST_MOST];
	uint16_t count = rte_eth_rx_burst(pair.port[PORT_SERVER].id, 0, buffers, BURST_MOST);
	uint64_t now = rte_rdtsc();

	for (uint16_t i = 0; i < count; i++) {
		uint64_t due;

		memcpy(&due, rte_pktmbuf_mtod_offset(buffers[i], void *, STAMP), sizeof due);
		/* What an earlier window left behind is not this one's. */
		if (due >= window.began && window.received < window.most)
			window.latency[window.received++] = (uint32_t)(now - due);
	}
	rte_pktmbuf_free_bulk(buffers, count);
}

static uint64_t cycles_of_us(unsigned us)
{
	return (uint64_t)(us * 1e3 * calibrate_tsc_ghz());
}

/* Packets at `pps` for the time of a window, and what comes of them. */
static void run_window(double pps)
{
	static unsigned gap;
	double mean = calibrate_tsc_ghz() * 1e9 / pps, due = (double)rte_rdtsc();
	uint64_t end = rte_rdtsc() + cycles_of_us(WINDOW_US), now;

	window.began = (uint64_t)due;
	window.sent = window.lost = window.received = 0;
	while ((now = rte_rdtsc()) < end) {
		uint64_t moments[BURST_MOST];
		uint16_t count = 0;

		while (due <= (double)now && count < BURST_MOST) {
			moments[count++] = (uint64_t)due;
			due += mean * gaps[gap++ % GAPS];
		}
		if (count)
			send_due(moments, count);
		receive();
	}
	for (end += cycles_of_us(DRAIN_US); rte_rdtsc() < end;)
		receive();
}

static long hold_ups(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

/* Whether the forwarding lcore polls: it may be off its CPU without having lost it meanwhile. */
static bool polls(void)
{
	uint64_t before = __atomic_load_n(&board.polls, __ATOMIC_RELAXED);
	uint64_t end = rte_rdtsc() + cycles_of_us(DRAIN_US);

	while (rte_rdtsc() < end) {
		if (__atomic_load_n(&board.polls, __ATOMIC_RELAXED) != before)
			return true;
	}
	return false;
}

/* Whether both lcores had their CPUs all through a window. */
static bool run_fair_window(double pps)
{
	long before = hold_ups();
	bool fair = polls();

	run_window(pps);
	fair &= polls();
	return fair && hold_ups() == before;
}

static void keep(struct histogram *into)
{
	into->kept++;
	into->packets += window.received;
	into->lost += window.lost;
	for (uint64_t i = 0; i < window.received; i++) {
		double ns = window.latency[i] / calibrate_tsc_ghz();

		into->count[ns < SLOWEST_NS - 1 ? (unsigned)ns : SLOWEST_NS - 1]++;
	}
}

/* Windows at one load through one contender; those in which a thread lost its CPU do not count. */
static int turn(unsigned contender, double pps, struct histogram *into)
{
	if (launch(contender))
		return -1;
	run_window(pps); /* to warm up */
	for (unsigned i = 0; i < WINDOWS; i++) {
		into->windows++;
		if (run_fair_window(pps))
			keep(into);
	}
	halt();
	return 0;
}

/* Packets a second that a worker decides when there are always more: the best of fair windows, or
 * of all if none was. */
static double find_most(void)
{
	uint64_t best = 0, any = 0;

	if (launch(0))
		return 0;
	for (unsigned i = 0; i < WINDOWS; i++) {
		uint64_t before = world.counters->received.packets, packets;

		bool fair = run_fair_window(1e9);

		packets = __atomic_load_n(&world.counters->received.packets, __ATOMIC_RELAXED);
		packets -= before;
		any = RTE_MAX(any, packets);
		if (fair)
			best = RTE_MAX(best, packets);
	}
	halt();
	return (double)(best ? best : any) * 1e6 / WINDOW_US;
}

static unsigned quantile(const struct histogram *of, double share)
{
	uint64_t left = (uint64_t)((double)of->packets * share);

	for (unsigned ns = 0; ns < SLOWEST_NS; ns++) {
		if (of->count[ns] > left)
			return ns;
		left -= of->count[ns];
	}
	return 0;
}

static void print(unsigned load, unsigned contender, double pps)
{
	const struct histogram *of = &histogram[load][contender];

	printf("{\"name\":\"latency/%u%%/%s\",\"pps\":%.0f,\"packets\":%llu,\"lost\":%llu,"
	       "\"windows\":%u,\"kept\":%u,\"p50\":%u,\"p99\":%u,\"p99.99\":%u}\n",
	       load_percent[load], contenders[contender], pps, (unsigned long long)of->packets,
	       (unsigned long long)of->lost, of->windows, of->kept, quantile(of, 0.5),
	       quantile(of, 0.99), quantile(of, 0.9999));
}

static void open_worker(void)
{
	generation = (struct generation){.number = 1, .image = policy.image};
	crossing_begin(&crossing, &generation);
	idle_plan(&idle, &pair, 1);
	worker = (struct worker){
		.pipeline = {.level = burst_level_best(),
			     .memory = world.memory,
			     .state = world.state,
			     .counters = world.counters,
			     .pool = pool},
		.pairs = &pair,
		.pair_count = 1,
		.crossing = &crossing,
		.board = &board,
		.idle = &idle,
		.stopping = &stopping,
	};
}

static int open_ports(int socket)
{
	static const struct options_pair names = {.edge = "net_ring0", .server = "net_ring1"};

	pool = rte_pktmbuf_pool_create("latency", BUFFERS, BUFFER_CACHE, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	if (!pool || pair_find(&names, 1, &pair) || pair_start(&pair, pool)) {
		fprintf(stderr, "no ports: %s\n", rte_strerror(rte_errno));
		return -1;
	}
	/* What the worker sends comes back on the same port, and is for us to receive. */
	pair.port[PORT_SERVER].rx_queues = 0;
	return 0;
}

static int open_all(const char *file, bool quick)
{
	struct random random = {7};
	struct traffic traffic;
	int socket = dpdk_start("0@0,1@1", 64 << 20);

	window.most = 1 << 20;
	window.latency = calloc(window.most, sizeof *window.latency);
	if (socket < 0 || !window.latency || calibrate_init() || open_ports(socket) ||
	    policy_image_open(file, TRAFFIC_BLOCKED, &policy) ||
	    place_open(PLACE_1M, &policy, quick, -1, &world) || frames_init(&frames, FRAME_TCP4))
		return -1;
	traffic_init(&traffic, TRAFFIC_UNIFORM, world.sources, TRAFFIC_BLOCKED);
	for (unsigned i = 0; i < FRAMES; i++)
		frames_put(&frames, i, traffic_next(&traffic));
	for (unsigned i = 0; i < GAPS; i++)
		gaps[i] = -log(1 - random_unit(&random));
	open_worker();
	return 0;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	double most;

	if (rounds == 0) {
		fprintf(stderr, "usage: %s POLICY ROUNDS [quick]\n", argv[0]);
		return 2;
	}
	if (open_all(argv[1], argc > 3) || (most = find_most()) == 0)
		return EXIT_FAILURE;
	printf("{\"name\":\"latency/most\",\"pps\":%.0f}\n", most);
	for (unsigned i = 0; i < rounds * LOADS * CONTENDERS; i++) {
		unsigned load = i / CONTENDERS % LOADS, contender = i % CONTENDERS;

		if (turn(contender, most * load_percent[load] / 100, &histogram[load][contender]))
			return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < LOADS * CONTENDERS; i++)
		print(i / CONTENDERS, i % CONTENDERS, most * load_percent[i / CONTENDERS] / 100);
	return EXIT_SUCCESS;
}
