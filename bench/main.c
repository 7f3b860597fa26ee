/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-decide: what packets cost in every scene of scenes.c, at each level of instructions that
 * this CPU has, and by what they are compared with. Prints a line of JSON for each: scripts/bench
 * makes tables of them.
 */
#include "command.h"
#include "dpdk.h"
#include "packets.h"

#include <fnmatch.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DECIDERS = 5,
	TRIALS = 32 * DECIDERS,
	WARM_UP_LEAST = 1 << 17,
	WARM_UP_MOST = 1 << 20,
	BLOCKED_MOST = 15000000,
};

/* By whom: names of levels, and what Sluice is compared with. */
static const char *const deciders[DECIDERS] = {"scalar", "avx2", "avx512", "plain", "macswap"};

struct bench {
	const char *policy, *only, *blocked_text;
	struct command command;
	uint32_t packets; /* timed, of a sample */
	uint32_t blocked; /* sources: see world.h */
	struct policy_image policy_image;
	struct world world[PLACES];
	struct packet_trial made[TRIALS];
	struct trial *trial[TRIALS];
	unsigned trials;
};

static struct bench bench = {
	.policy = "bench/policy.json", .only = "*", .packets = 1 << 14, .blocked = TRAFFIC_BLOCKED};

static double run_packets(struct packet_trial *made, uint32_t packets)
{
	uint64_t cycles = 0;
	uint32_t done;

	for (done = 0; done < packets; done += FRAMES)
		cycles += made->scene->part->block(made);
	return (double)cycles / done;
}

static double run_sample(struct trial *trial)
{
	return run_packets((struct packet_trial *)trial, bench.packets);
}

/* Until caches hold what they can. */
static void warm_up(struct trial *trial)
{
	struct packet_trial *made = (struct packet_trial *)trial;
	uint32_t packets = made->world->sources * 2;

	if (packets < WARM_UP_LEAST)
		packets = WARM_UP_LEAST;
	run_packets(made, packets < WARM_UP_MOST ? packets : WARM_UP_MOST);
}

static bool takes_part(const struct scene *scene, const char *decider)
{
	const struct burst_level *level = burst_level(decider);

	/* The plain chain is compiled for AVX2. */
	if (!level)
		return scene->rival && strcmp(decider, scene->rival) == 0 && burst_level("avx2");
	return scene->levels || level == burst_level_best();
}

static void add_trial(const struct scene *scene, const char *decider)
{
	struct packet_trial *made = &bench.made[bench.trials];

	if (!takes_part(scene, decider))
		return;
	*made = (struct packet_trial){
		.trial = {.run = run_sample, .warm_up = warm_up},
		.scene = scene,
		.level = burst_level(decider),
		.world = &bench.world[scene->place],
	};
	snprintf(made->trial.name, TRIAL_NAME, "%s/%s/%s", scene->part->name, scene->name, decider);
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

static bool needs_place(enum place place)
{
	for (unsigned i = 0; i < bench.trials; i++) {
		if (bench.made[i].scene->place == place)
			return true;
	}
	return false;
}

static bool needs_plain(enum place place)
{
	for (unsigned i = 0; i < bench.trials; i++) {
		const struct packet_trial *made = &bench.made[i];

		if (made->scene->place == place && !made->level &&
		    made->scene->part->block == decide_block)
			return true;
	}
	return false;
}

static bool needs_ports(void)
{
	for (unsigned i = 0; i < bench.trials; i++) {
		if (bench.made[i].scene->part->block == forward_block)
			return true;
	}
	return false;
}

/* DPDK with memory for what needs it. 0, or -1. */
static int start_dpdk(int *socket)
{
	size_t bytes = 32 << 20;
	char lcores[16];

	for (unsigned place = 0; place < PLACES; place++) {
		if (needs_plain(place))
			bytes += plain_bytes(place_live(place, bench.command.quick));
	}
	snprintf(lcores, sizeof lcores, "0@%d", sched_getcpu());
	if ((*socket = dpdk_start(lcores, bytes)) < 0)
		return -1;
	return needs_ports() ? forward_open(*socket) : 0;
}

static int open_places(void)
{
	int socket;

	if (start_dpdk(&socket) ||
	    policy_image_open(bench.policy, bench.blocked, &bench.policy_image))
		return -1;
	for (unsigned place = 0; place < PLACES; place++) {
		if (needs_place(place) &&
		    place_open(place, &bench.policy_image, bench.command.quick,
			       needs_plain(place) ? socket : -1, &bench.world[place]))
			return -1;
	}
	for (unsigned i = 0; i < bench.trials; i++) {
		struct packet_trial *made = &bench.made[i];

		traffic_init(&made->traffic, made->scene->shape, made->world->sources,
			     bench.blocked);
		if (frames_init(&made->frames, made->scene->kind))
			return -1;
	}
	return 0;
}

/* What the work came to, which shows that it was done. -1: it does not add up. */
static int print_reasons(const char *name, const char *decider, struct worker_counters *counters)
{
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

/* Of those whose frames go nowhere. */
static int print_decided(const char *name, const char *decider, struct worker_counters *counters)
{
	counters->sent = counters->verdict[VERDICT_PASS];
	return print_reasons(name, decider, counters);
}

static int print_place(enum place place)
{
	const struct world *world = &bench.world[place];
	const char *name = place_name(place);
	int result;

	if (!world->image)
		return 0;
	printf("{\"name\":\"sources/%s\",\"live\":%u,\"sending\":%u,\"own_bucket\":%u,"
	       "\"buckets\":%zu,\"bytes\":%zu}\n",
	       name, world->admitted, world->sources, world_own_buckets(world), world_room(world),
	       world_bytes(world));
	result = print_decided(name, "sluice", world->counters);
	if (world->plain)
		result |= print_decided(name, "plain", world->plain_counters);
	return result;
}

static int print_places(void)
{
	int result = needs_ports() ? print_reasons("pipeline", "sluice", forward_counters()) : 0;

	for (unsigned place = 0; place < PLACES; place++)
		result |= print_place(place);
	return result;
}

static int run(void)
{
	if (bench.trials == 0) {
		fprintf(stderr, "no trial is called %s; see --list\n", bench.only);
		return EXIT_FAILURE;
	}
	if (calibrate_pin() || calibrate_init() || open_places())
		return EXIT_FAILURE;
	trials_run(bench.trial, bench.trials, bench.command.rounds);
	trials_print(bench.trial, bench.trials, bench.command.rounds);
	return print_places() ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* 0, or not: it is no number of sources, as the user is told. */
static int take_blocked(void)
{
	if (!bench.blocked_text)
		return 0;
	bench.blocked = (uint32_t)strtoul(bench.blocked_text, NULL, 10);
	if (bench.blocked >= 1 && bench.blocked <= BLOCKED_MOST)
		return 0;
	fprintf(stderr, "--blocked: '%s' is not a number from 1 to %d\n", bench.blocked_text,
		BLOCKED_MOST);
	return -1;
}

int main(int argc, char **argv)
{
	bench.command = (struct command){
		.text = {{"policy", "FILE", &bench.policy},
			 {"only", "PATTERN", &bench.only},
			 {"blocked", "N", &bench.blocked_text}},
		.rounds = 9,
		.quick_rounds = 2,
	};
	if (command_read(argc, argv, &bench.command) || take_blocked())
		return COMMAND_USAGE;
	if (bench.command.quick)
		bench.packets = 1 << 10;
	add_trials();
	return bench.command.list ? command_list(bench.trial, bench.trials) : run();
}
