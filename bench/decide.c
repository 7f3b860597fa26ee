/* SPDX-License-Identifier: BSD-3-Clause */
/* What a decision costs, I/O excluded: burst_decide() at each level, for so many sources. */
#include "clock.h"
#include "dpdk.h"
#include "frames.h"
#include "traffic.h"
#include "trial.h"
#include "world.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SIZES = 3,
	LEVELS = 4,
	TRIALS = SIZES * LEVELS * TRAFFIC_SHAPES,
	WARM_UP_LEAST = 1 << 17,
	WARM_UP_MOST = 1 << 20
};

static const char *const levels[LEVELS] = {"scalar", "avx2", "avx512", "plain"};

struct decide_trial {
	struct trial trial;              /* first */
	const struct burst_level *level; /* NULL: the plain chain */
	struct world *world;
	struct traffic *traffic;
};

struct bench {
	const char *policy, *only;
	unsigned rounds;
	uint32_t packets; /* timed, of a sample */
	bool list;
	struct policy_image policy_image;
	struct frames frames;
	struct world world[SIZES];
	struct traffic traffic[SIZES][TRAFFIC_SHAPES];
	struct decide_trial made[TRIALS];
	struct trial *trial[TRIALS];
	unsigned trials;
};

static struct bench bench = {
	.policy = "bench/policy.json", .only = "*", .rounds = 9, .packets = 1 << 17};
static uint32_t sizes[SIZES] = {1000, 1000000, 10000000};

/* Decide a block of frames; the TSC cycles that took. */
static uint64_t decide_block(struct decide_trial *made)
{
	struct world *world = made->world;
	static struct burst burst;
	uint64_t from;

	for (unsigned i = 0; i < FRAMES; i++)
		frames_put(&bench.frames, i, traffic_next(made->traffic));
	from = clock_tsc();
	for (unsigned i = 0; i < FRAMES; i += BURST_MOST) {
		frames_burst(&bench.frames, i, &burst);
		world_decide(world, made->level, &burst);
		world->now_ns += WORLD_STEP_NS;
	}
	return clock_tsc() - from;
}

static double decide_packets(struct decide_trial *made, uint32_t packets)
{
	uint64_t cycles = 0;
	uint32_t done;

	for (done = 0; done < packets; done += FRAMES)
		cycles += decide_block(made);
	return (double)cycles / done;
}

static double decide_run(struct trial *trial)
{
	return decide_packets((struct decide_trial *)trial, bench.packets);
}

/* Until caches hold what they can. */
static void decide_warm_up(struct trial *trial)
{
	struct decide_trial *made = (struct decide_trial *)trial;
	uint32_t packets = made->world->sources * 2;

	if (packets < WARM_UP_LEAST)
		packets = WARM_UP_LEAST;
	decide_packets(made, packets < WARM_UP_MOST ? packets : WARM_UP_MOST);
}

static void size_word(uint32_t size, char word[16])
{
	if (size >= 1000000)
		snprintf(word, 16, "%uM", size / 1000000);
	else
		snprintf(word, 16, "%uK", size / 1000);
}

static void add_trial(unsigned size, enum traffic_shape shape, const char *level)
{
	struct decide_trial *made = &bench.made[bench.trials];
	char word[16];

	*made = (struct decide_trial){
		.trial = {.run = decide_run, .warm_up = decide_warm_up},
		.level = burst_level(level),
		.world = &bench.world[size],
		.traffic = &bench.traffic[size][shape],
	};
	size_word(sizes[size], word);
	snprintf(made->trial.name, TRIAL_NAME, "decide/%s/%s/%s", traffic_word(shape), word, level);
	if ((made->level || strcmp(level, "plain") == 0) &&
	    fnmatch(bench.only, made->trial.name, 0) == 0)
		bench.trial[bench.trials++] = &made->trial;
}

static void add_trials(void)
{
	for (unsigned size = 0; size < SIZES; size++) {
		for (unsigned shape = TRAFFIC_UNIFORM; shape <= TRAFFIC_ZIPF; shape++) {
			for (unsigned i = 0; i < LEVELS; i++)
				add_trial(size, shape, levels[i]);
		}
	}
}

/* Whether a trial asks for the world, or for plain chains, in it or anywhere. */
static bool needed(const struct world *world, bool plain)
{
	for (unsigned i = 0; i < bench.trials; i++) {
		if ((!world || bench.made[i].world == world) && !(plain && bench.made[i].level))
			return true;
	}
	return false;
}

static int open_worlds(void)
{
	int socket = -1;

	if (needed(NULL, true)) {
		size_t bytes = 0;

		for (unsigned size = 0; size < SIZES; size++)
			bytes += needed(&bench.world[size], true) ? plain_bytes(sizes[size]) : 0;
		if ((socket = dpdk_start(bytes)) < 0)
			return -1;
	}
	if (frames_init(&bench.frames) || policy_image_open(bench.policy, &bench.policy_image))
		return -1;
	for (unsigned size = 0; size < SIZES; size++) {
		struct world *world = &bench.world[size];

		if (!needed(world, false))
			continue;
		if (world_open(&bench.policy_image, sizes[size], needed(world, true) ? socket : -1,
			       world))
			return -1;
		for (unsigned shape = 0; shape < TRAFFIC_SHAPES; shape++)
			traffic_init(&bench.traffic[size][shape], shape, world->sources);
	}
	return 0;
}

/* What the work came to, which shows that it was done. -1: it does not add up. */
static int print_reasons(const char *who, struct worker_counters *counters)
{
	counters->sent = counters->verdict[VERDICT_PASS];
	printf("{\"name\":\"%s\",\"packets\":%llu", who,
	       (unsigned long long)counters->received.packets);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		printf(",\"%s\":%llu", reason_word(reason),
		       (unsigned long long)counters->reason[reason].packets);
	printf("}\n");
	if (counters_add_up(counters))
		return 0;
	fprintf(stderr, "the counters of %s do not add up\n", who);
	return -1;
}

static int print_world(const struct world *world, uint32_t size)
{
	char word[16], who[32];
	int result;

	size_word(size, word);
	printf("{\"name\":\"sources/%s\",\"live\":%u,\"sending\":%u,\"own_bucket\":%u,"
	       "\"bytes_a_source\":%.2f}\n",
	       word, world->admitted, world->sources, world_own_buckets(world),
	       (double)world_bytes(world) / world->admitted);
	snprintf(who, sizeof who, "reasons/%s/sluice", word);
	result = print_reasons(who, world->counters);
	snprintf(who, sizeof who, "reasons/%s/plain", word);
	return world->plain ? result | print_reasons(who, world->plain_counters) : result;
}

static int print_worlds(void)
{
	int result = 0;

	for (unsigned size = 0; size < SIZES; size++) {
		if (bench.world[size].image)
			result |= print_world(&bench.world[size], sizes[size]);
	}
	return result;
}

static int parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'}, {"only", required_argument, NULL, 'o'},
		{"rounds", required_argument, NULL, 'r'}, {"quick", no_argument, NULL, 'q'},
		{"list", no_argument, NULL, 'l'},         {0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			bench.policy = optarg;
		else if (option == 'o')
			bench.only = optarg;
		else if (option == 'r')
			bench.rounds = (unsigned)atoi(optarg);
		else if (option == 'l')
			bench.list = true;
		else if (option == 'q')
			bench.rounds = 2, bench.packets = 1 << 14, sizes[1] = 20000,
			sizes[2] = 100000;
		else
			return -1;
	}
	return bench.rounds >= 1 && bench.rounds <= TRIAL_ROUNDS ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (parse_options(argc, argv)) {
		fprintf(stderr,
			"usage: %s [--policy FILE] [--only PATTERN] [--rounds N] [--quick] "
			"[--list]\n",
			argv[0]);
		return 2;
	}
	add_trials();
	if (bench.list) {
		for (unsigned i = 0; i < bench.trials; i++)
			printf("%s\n", bench.trial[i]->name);
		return 0;
	}
	if (calibrate_init() || open_worlds())
		return 1;
	trials_run(bench.trial, bench.trials, bench.rounds);
	trials_print(bench.trial, bench.trials, bench.rounds);
	return print_worlds() ? 1 : 0;
}
