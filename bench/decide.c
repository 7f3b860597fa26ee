/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-decide: what a decision costs, I/O excluded, in every scene of scenes.c, at each level of
 * instructions that this CPU has, and by the plain chain of plain.h. Prints a line of JSON for
 * each: scripts/bench makes tables of them.
 */
#include "clock.h"
#include "dpdk.h"
#include "scenes.h"
#include "trial.h"

#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DECIDERS = 4,
	TRIALS = 24 * DECIDERS,
	WARM_UP_LEAST = 1 << 17,
	WARM_UP_MOST = 1 << 20,
};

/* By whom: names of levels, and none. */
static const char *const deciders[DECIDERS] = {"scalar", "avx2", "avx512", "plain"};

struct decide_trial {
	struct trial trial; /* first */
	const struct scene *scene;
	const struct burst_level *level; /* NULL: the plain chain */
	struct world *world;
	struct traffic traffic;
	struct frames frames;
};

struct bench {
	const char *policy, *only;
	unsigned rounds;
	uint32_t packets; /* timed, of a sample */
	bool list, quick;
	struct policy_image policy_image;
	struct world world[PLACES];
	struct decide_trial made[TRIALS];
	struct trial *trial[TRIALS];
	unsigned trials;
};

static struct bench bench = {
	.policy = "bench/policy.json", .only = "*", .rounds = 9, .packets = 1 << 17};

/* Decide a block of frames; the TSC cycles that took. */
static uint64_t decide_block(struct decide_trial *made)
{
	struct world *world = made->world;
	static struct burst burst;
	uint64_t from;

	for (unsigned i = 0; i < FRAMES; i++)
		frames_put(&made->frames, i, traffic_next(&made->traffic));
	from = clock_tsc();
	for (unsigned i = 0; i < FRAMES; i += BURST_MOST) {
		frames_burst(&made->frames, i, &burst);
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

static bool takes_part(const struct scene *scene, const char *decider)
{
	if (strcmp(decider, "plain") == 0)
		return scene->by != BY_BEST;
	return scene->by == BY_ALL ? burst_level(decider) != NULL
				   : burst_level(decider) == burst_level_best();
}

static void add_trial(const struct scene *scene, const char *decider)
{
	struct decide_trial *made = &bench.made[bench.trials];

	if (!takes_part(scene, decider))
		return;
	*made = (struct decide_trial){
		.trial = {.run = decide_run, .warm_up = decide_warm_up},
		.scene = scene,
		.level = burst_level(decider),
		.world = &bench.world[scene->place],
	};
	snprintf(made->trial.name, TRIAL_NAME, "decide/%s/%s", scene->name, decider);
	if (fnmatch(bench.only, made->trial.name, 0) == 0)
		bench.trial[bench.trials++] = &made->trial;
}

static void add_trials(void)
{
	for (unsigned scene = 0; scene < scene_count; scene++) {
		for (unsigned i = 0; i < DECIDERS; i++)
			add_trial(&scenes[scene], deciders[i]);
	}
}

/* Whether a trial asks for the place, or for a plain chain in it. */
static bool needed(enum place place, bool plain)
{
	for (unsigned i = 0; i < bench.trials; i++) {
		if (bench.made[i].scene->place == place && !(plain && bench.made[i].level))
			return true;
	}
	return false;
}

/* DPDK's heap for the plain chains; -1 where none is needed. 0, or -1. */
static int start_dpdk(int *socket)
{
	size_t bytes = 0;

	for (unsigned place = 0; place < PLACES; place++)
		bytes += needed(place, true) ? plain_bytes(place_live(place, bench.quick)) : 0;
	*socket = bytes ? dpdk_start(bytes) : -1;
	return bytes && *socket < 0 ? -1 : 0;
}

static int open_places(void)
{
	int socket;

	if (start_dpdk(&socket) || policy_image_open(bench.policy, &bench.policy_image))
		return -1;
	for (unsigned place = 0; place < PLACES; place++) {
		if (needed(place, false) &&
		    place_open(place, &bench.policy_image, bench.quick,
			       needed(place, true) ? socket : -1, &bench.world[place]))
			return -1;
	}
	for (unsigned i = 0; i < bench.trials; i++) {
		struct decide_trial *made = &bench.made[i];

		traffic_init(&made->traffic, made->scene->shape, made->world->sources);
		if (frames_init(&made->frames, made->scene->kind))
			return -1;
	}
	return 0;
}

/* What the work came to, which shows that it was done. -1: it does not add up. */
static int print_reasons(const char *name, const char *decider, struct worker_counters *counters)
{
	counters->sent = counters->verdict[VERDICT_PASS];
	printf("{\"name\":\"reasons/%s/%s\",\"packets\":%llu", name, decider,
	       (unsigned long long)counters->received.packets);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		printf(",\"%s\":%llu", reason_word(reason),
		       (unsigned long long)counters->reason[reason].packets);
	printf("}\n");
	if (counters_add_up(counters))
		return 0;
	fprintf(stderr, "the counters of %s by %s do not add up\n", name, decider);
	return -1;
}

static int print_place(enum place place)
{
	const struct world *world = &bench.world[place];
	const char *name = place_name(place);
	int result = 0;

	if (!world->image)
		return 0;
	printf("{\"name\":\"sources/%s\",\"live\":%u,\"sending\":%u,\"own_bucket\":%u,"
	       "\"buckets\":%zu,\"bytes\":%zu}\n",
	       name, world->admitted, world->sources, world_own_buckets(world), world_room(world),
	       world_bytes(world));
	result = print_reasons(name, "sluice", world->counters);
	if (world->plain)
		result |= print_reasons(name, "plain", world->plain_counters);
	return result;
}

static int list(void)
{
	for (unsigned i = 0; i < bench.trials; i++)
		printf("%s\n", bench.trial[i]->name);
	return EXIT_SUCCESS;
}

/* Stay on one CPU: the last, as the first has most interrupts to see to. */
static int pin(void)
{
	cpu_set_t set;
	int last = -1;

	if (sched_getaffinity(0, sizeof set, &set))
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			last = cpu;
	}
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	return sched_setaffinity(0, sizeof set, &set);
}

static int run(void)
{
	int result = 0;

	if (bench.trials == 0) {
		fprintf(stderr, "no trial is called %s; see --list\n", bench.only);
		return EXIT_FAILURE;
	}
	if (pin() || calibrate_init() || open_places())
		return EXIT_FAILURE;
	trials_run(bench.trial, bench.trials, bench.rounds);
	trials_print(bench.trial, bench.trials, bench.rounds);
	for (unsigned place = 0; place < PLACES; place++)
		result |= print_place(place);
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int parse_option(int option, const char *value)
{
	switch (option) {
	case 'p':
		bench.policy = value;
		return 0;
	case 'o':
		bench.only = value;
		return 0;
	case 'r':
		bench.rounds = (unsigned)strtoul(value, NULL, 10);
		return bench.rounds >= 1 && bench.rounds <= TRIAL_ROUNDS ? 0 : -1;
	case 'q':
		bench.quick = true;
		bench.packets = 1 << 13;
		bench.rounds = 2;
		return 0;
	case 'l':
		bench.list = true;
		return 0;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'}, {"only", required_argument, NULL, 'o'},
		{"rounds", required_argument, NULL, 'r'}, {"quick", no_argument, NULL, 'q'},
		{"list", no_argument, NULL, 'l'},         {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (parse_option(option, optarg)) {
			fprintf(stderr,
				"usage: %s [--policy FILE] [--only PATTERN] [--rounds 1-%d] "
				"[--quick] [--list]\n",
				argv[0], TRIAL_ROUNDS);
			return 2;
		}
	}
	add_trials();
	return bench.list ? list() : run();
}
