/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice-dataplane: takes its options, builds the parts up, runs them, takes them down. */
#include "bpf/join.h"
#include "clock.h"
#include "measure.h"
#include "memory.h"
#include "options.h"
#include "reload.h"
#include "report.h"
#include "say.h"
#include "serving.h"
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>

enum { EXIT_USAGE = 2, MBUF_CACHE = 256, MBUFS_IN_HAND = 4 * BURST_MOST, DRAIN_US = 10000 };

static bool asked_to_stop; /* by a signal */
static bool stopping;      /* the workers: from then on no port is polled */

struct dataplane {
	struct options options;
	struct pair pair[OPTIONS_PAIRS];
	unsigned lcore[CAP_WORKERS];
	struct worker worker[CAP_WORKERS];
	struct rte_mempool *pool;
	struct publish publish;
	struct crossing crossing;
	struct reload reload;
	struct idle idle;
	struct measure measure;
	struct state *state; /* the data plane's own, or the twin's: then joined */
	size_t state_size;
	struct join join;
	uint64_t twin_due_ns; /* when to look for the state that is joined */
	struct serving serving;
	struct burst_memory *burst_memory; /* of each worker */
	int64_t packets_left;
};

static void on_signal(int signal)
{
	(void)signal;
	__atomic_store_n(&asked_to_stop, true, __ATOMIC_RELEASE);
}

static int find_lcores(struct dataplane *dataplane)
{
	unsigned found = 0, lcore;

	RTE_LCORE_FOREACH_WORKER (lcore) {
		if (found < dataplane->options.workers)
			dataplane->lcore[found++] = lcore;
	}
	if (found == dataplane->options.workers)
		return 0;
	say("%u workers need as many lcores besides the main one, and the EAL has %u: see its -l "
	    "and --lcores",
	    dataplane->options.workers, found);
	return -ENOSPC;
}

static bool same_port_twice(const struct dataplane *dataplane)
{
	bool seen[RTE_MAX_ETHPORTS] = {false};

	for (unsigned i = 0; i < dataplane->options.pairs; i++) {
		const struct pair *pair = &dataplane->pair[i];

		for (unsigned role = 0; role < pair->ports; role++) {
			const struct port *port = &pair->port[role];

			if (seen[port->id]) {
				say("port %s: is named twice", port->name);
				return true;
			}
			seen[port->id] = true;
		}
	}
	return false;
}

/* Every buffer that rings can hold, and what workers have in hand and in cache. */
static int create_pool(struct dataplane *dataplane)
{
	unsigned workers = dataplane->options.workers;
	unsigned mbufs = (workers + 1) * (MBUF_CACHE * 3 / 2 + MBUFS_IN_HAND);

	for (unsigned i = 0; i < dataplane->options.pairs; i++)
		mbufs += pair_mbufs(&dataplane->pair[i]);
	dataplane->pool = rte_pktmbuf_pool_create("sluice", mbufs, MBUF_CACHE, 0,
						  RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	if (dataplane->pool)
		return 0;
	say("no memory for %u packet buffers: %s: see the EAL's -m", mbufs,
	    rte_strerror(rte_errno));
	return -ENOMEM;
}

static int start_ports(struct dataplane *dataplane)
{
	const struct options *options = &dataplane->options;
	int result;

	for (unsigned i = 0; i < options->pairs; i++) {
		result = pair_find(&options->pair[i], options->workers, &dataplane->pair[i]);
		if (result)
			return result;
	}
	if (same_port_twice(dataplane))
		return -EINVAL;
	if ((result = create_pool(dataplane)))
		return result;
	for (unsigned i = 0; i < options->pairs; i++) {
		if ((result = pair_start(&dataplane->pair[i], dataplane->pool)))
			return result;
	}
	return 0;
}

static void stop_ports(struct dataplane *dataplane)
{
	for (unsigned i = 0; i < dataplane->options.pairs; i++)
		pair_stop(&dataplane->pair[i]);
}

static int make_state(struct dataplane *dataplane)
{
	const struct options *options = &dataplane->options;
	uint32_t lines = source_lines_for(options->sources);
	struct siphash_key key;

	dataplane->state_size = state_size(lines);
	dataplane->state = memory_map(dataplane->state_size);
	if (!dataplane->state) {
		say("--sources: no memory for %" PRIu64, options->sources);
		return -ENOMEM;
	}
	if (getrandom(&key, sizeof key, 0) != sizeof key) {
		say("no random key: %s", strerror(errno));
		return -errno;
	}
	state_init(dataplane->state, lines, key, clock_boot_ns(), options->workers > 1);
	return 0;
}

/* Ports of AF_XDP would bring a program of their own, and the twin leave that alone ever after. */
static int not_attached(struct dataplane *dataplane)
{
	say("--twin: the twin is attached to no interface yet, and would find these taken: give "
	    "sluiced a policy first, and see `sluice status`");
	join_leave(&dataplane->join);
	return -EAGAIN;
}

static int join_state(struct dataplane *dataplane)
{
	char message[JOIN_MESSAGE];
	int result = join_pinned(dataplane->options.twin, &dataplane->join, message);

	if (result)
		say("--twin: %s", message);
	else if (!join_attached(dataplane->options.twin))
		result = not_attached(dataplane);
	dataplane->state = dataplane->join.state;
	dataplane->publish.board->joined = result ? BOARD_APART : BOARD_JOINED;
	return result;
}

static int create_state(struct dataplane *dataplane)
{
	const struct options *options = &dataplane->options;
	int result = options->twin ? join_state(dataplane) : make_state(dataplane);

	if (result)
		return result;
	dataplane->burst_memory = memory_map(options->workers * sizeof *dataplane->burst_memory);
	if (!dataplane->burst_memory) {
		say("no memory for %u workers", options->workers);
		return -ENOMEM;
	}
	serving_start(&dataplane->serving, dataplane->join.state, dataplane->publish.board);
	return 0;
}

static void leave_state(struct dataplane *dataplane)
{
	if (dataplane->options.twin)
		join_leave(&dataplane->join);
	else
		memory_unmap(dataplane->state, dataplane->state_size);
	memory_unmap(dataplane->burst_memory,
		     dataplane->options.workers * sizeof *dataplane->burst_memory);
}

static const char *pair_without_fallback(const struct dataplane *dataplane)
{
	for (unsigned i = 0; i < dataplane->options.pairs; i++) {
		if (dataplane->pair[i].ports <= PORT_FALLBACK)
			return dataplane->pair[i].name;
	}
	return NULL;
}

static void start_reload(struct dataplane *dataplane)
{
	dataplane->reload = (struct reload){
		.state_dir = dataplane->options.state_dir,
		.no_fallback = pair_without_fallback(dataplane),
		.stopping = &stopping,
		.publish = &dataplane->publish,
		.crossing = &dataplane->crossing,
		.state = dataplane->state,
		.shares_slots = dataplane->join.state != NULL,
	};
	reload_start(&dataplane->reload, dataplane->options.run_dir);
}

static int start_worker(struct dataplane *dataplane, unsigned index)
{
	struct worker *worker = &dataplane->worker[index];

	*worker = (struct worker){
		.pipeline =
			{
				.level = dataplane->options.simd,
				.memory = &dataplane->burst_memory[index],
				.state = dataplane->state,
				.counters = &dataplane->publish.counters->worker[index],
				.pool = dataplane->pool,
				.queue = (uint16_t)index,
			},
		.pairs = dataplane->pair,
		.pair_count = dataplane->options.pairs,
		.index = index,
		.crossing = &dataplane->crossing,
		.idle = &dataplane->idle,
		.board = &dataplane->publish.board->worker[index],
		.packets_left = dataplane->options.packets ? &dataplane->packets_left : NULL,
		.stopping = &stopping,
	};
	return rte_eal_remote_launch(worker_run, worker, dataplane->lcore[index]);
}

/* Say so, once, if the twin has another state by now: this one's frames go nowhere. */
static void look_for_twin(struct dataplane *dataplane, uint64_t now_ns)
{
	static const uint64_t every_ns = UINT64_C(1000000000);
	uint32_t *joined = &dataplane->publish.board->joined;

	if (*joined != BOARD_JOINED || now_ns < dataplane->twin_due_ns)
		return;
	dataplane->twin_due_ns = now_ns + every_ns;
	if (!join_replaced(&dataplane->join, dataplane->options.twin))
		return;
	__atomic_store_n(joined, BOARD_FORSAKEN, __ATOMIC_RELAXED);
	say("WARNING: THE TWIN'S BUCKETS ARE OTHERS by now, and it hands nothing over: start the "
	    "data plane again");
}

static bool workers_run(void)
{
	return !__atomic_load_n(&stopping, __ATOMIC_ACQUIRE);
}

/* What the twin has handed over by now they still decide, and give back what they borrowed. */
static void stop_workers(struct dataplane *dataplane)
{
	const struct reload *reload = &dataplane->reload;

	serving_end(&dataplane->serving);
	if (dataplane->join.state && workers_run())
		rte_delay_us_sleep(DRAIN_US);
	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	rte_eal_mp_wait_lcore();
	for (unsigned i = 0; i < dataplane->options.workers; i++) {
		if (reload->running && !reload->former)
			burst_settle(&dataplane->burst_memory[i], &reload->running->image,
				     dataplane->state);
	}
}

static int run(struct dataplane *dataplane)
{
	int result = 0;

	dataplane->packets_left = (int64_t)dataplane->options.packets;
	for (unsigned i = 0; i < dataplane->options.workers && !result; i++)
		result = start_worker(dataplane, i);
	if (result) {
		say("lcores cannot be started: %s", rte_strerror(-result));
		__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	}
	reload_started(&dataplane->reload);
	while (!__atomic_load_n(&asked_to_stop, __ATOMIC_ACQUIRE) && workers_run()) {
		reload_round(&dataplane->reload);
		serving_round(&dataplane->serving, clock_monotonic_ns());
		look_for_twin(dataplane, clock_monotonic_ns());
		measure_round(&dataplane->measure, clock_boot_ns());
	}
	stop_workers(dataplane);
	return result;
}

/* What ports still have in their transmit rings leaves before they are stopped. */
static int finish(struct dataplane *dataplane)
{
	uint64_t generation = reload_generation(&dataplane->reload);

	rte_delay_us_sleep(DRAIN_US);
	measure_end(&dataplane->measure, clock_boot_ns());
	stop_ports(dataplane);
	say("stopped at generation %" PRIu64, generation);
	if (report_totals(stdout, dataplane->publish.counters, generation))
		return 0;
	say("the counters do not add up");
	return -EIO;
}

static int serve(struct dataplane *dataplane)
{
	int result = find_lcores(dataplane);

	if (result)
		return result;
	result = publish_open(dataplane->options.run_dir, dataplane->options.workers,
			      clock_utc_ns(), &dataplane->publish);
	if (result)
		return result;
	if ((result = create_state(dataplane)))
		goto out;
	if ((result = start_ports(dataplane))) {
		stop_ports(dataplane);
		goto out;
	}
	idle_plan(&dataplane->idle, dataplane->pair, dataplane->options.pairs);
	measure_start(&dataplane->measure, &dataplane->publish, &dataplane->idle, dataplane->pair,
		      dataplane->options.pairs, clock_boot_ns());
	start_reload(dataplane);
	result = run(dataplane);
	if (!result)
		result = finish(dataplane);
	reload_stop(&dataplane->reload);
out:
	leave_state(dataplane);
	publish_close(&dataplane->publish);
	return result;
}

/*
 * Signals are for the main thread, whose wait they end, not for the lcores' threads, which
 * inherit this mask, as they do the exact sleeps.
 */
static void prepare_threads(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigprocmask(SIG_BLOCK, signals, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
}

static int start_eal(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t signals;

	prepare_threads(&signals);
	rte_openlog_stream(stderr);
	if (rte_eal_init(argc, argv) < 0) {
		say("the EAL cannot be started: %s", rte_strerror(rte_errno));
		return -1;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	return 0;
}

/* How many of the arguments are the EAL's: those before `--`, unless the first asks for help. */
static int eal_arguments(int argc, char **argv)
{
	int count = 1;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0)
		return 1;
	while (count < argc && strcmp(argv[count], "--") != 0)
		count++;
	return count;
}

int main(int argc, char **argv)
{
	static struct dataplane dataplane;
	int eal = eal_arguments(argc, argv);
	int own = eal < argc && strcmp(argv[eal], "--") == 0 ? eal : eal - 1;
	enum options_result parsed;
	int result;

	argv[own] = argv[0];
	parsed = options_parse(argc - own, argv + own, &dataplane.options);
	if (parsed != OPTIONS_RUN)
		return parsed == OPTIONS_SHOWN ? EXIT_SUCCESS : EXIT_USAGE;
	if (start_eal(eal, argv))
		return EXIT_FAILURE;
	result = serve(&dataplane);
	rte_eal_cleanup();
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
