/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-shared: what it costs a data plane to have its buckets in common with the twin: decisions
 * as bench-decide's, with the buckets in memory of its own, there with the atomic operations that
 * sharing takes, there in small pages, and in the kernel's arrays. Prints a line of JSON for each.
 */
#include "command.h"
#include "packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 3, MEMORIES = 4, TRIALS = SIZES * MEMORIES, WARM_UP = 1 << 20 };

static const struct {
	const char *name;
	uint32_t live, quick;
} sizes[SIZES] = {{"1K", 1000, 1000}, {"1M", 1000000, 20000}, {"10M", 10000000, 100000}};

static const char *const memories[MEMORIES] = {[WORLD_OWN] = "own",
					       [WORLD_SHARED] = "own, atomic",
					       [WORLD_SMALL] = "own, atomic, small pages",
					       [WORLD_TWIN] = "twin"};

static struct bench {
	const char *policy;
	struct command command;
	uint32_t packets, warm_up;
	struct policy_image image;
	struct world world[TRIALS];
	struct packet_trial made[TRIALS];
	struct trial *trial[TRIALS];
} bench = {.policy = "bench/policy.json", .packets = 1 << 14, .warm_up = WARM_UP};

static double run(struct trial *trial, uint32_t packets)
{
	uint64_t cycles = 0;
	uint32_t done;

	for (done = 0; done < packets; done += FRAMES)
		cycles += decide_block((struct packet_trial *)trial);
	return (double)cycles / done;
}

static double run_sample(struct trial *trial)
{
	return run(trial, bench.packets);
}

static void warm_up(struct trial *trial)
{
	run(trial, bench.warm_up);
}

static void name_trials(void)
{
	for (unsigned i = 0; i < TRIALS; i++) {
		bench.trial[i] = &bench.made[i].trial;
		snprintf(bench.trial[i]->name, TRIAL_NAME, "%s/%s", sizes[i / MEMORIES].name,
			 memories[i % MEMORIES]);
	}
}

static int open_trials(void)
{
	for (unsigned i = 0; i < TRIALS; i++) {
		struct packet_trial *made = &bench.made[i];
		bool quick = bench.command.quick;
		uint32_t live = quick ? sizes[i / MEMORIES].quick : sizes[i / MEMORIES].live;

		made->trial.run = run_sample;
		made->trial.warm_up = warm_up;
		made->level = burst_level_best();
		made->world = &bench.world[i];
		if (world_open_in(i % MEMORIES, &bench.image, FRAME_TCP4, live, made->world) ||
		    frames_init(&made->frames, FRAME_TCP4))
			return -1;
		traffic_init(&made->traffic, TRAFFIC_UNIFORM, made->world->sources,
			     TRAFFIC_BLOCKED);
	}
	return 0;
}

static void close_trials(void)
{
	for (unsigned i = 0; i < TRIALS; i++) {
		world_close(&bench.world[i]);
		frames_free(&bench.made[i].frames);
	}
	policy_image_close(&bench.image);
}

static int run_all(void)
{
	if (calibrate_pin() || calibrate_init() ||
	    policy_image_open(bench.policy, TRAFFIC_BLOCKED, &bench.image) || open_trials())
		return EXIT_FAILURE;
	trials_run(bench.trial, TRIALS, bench.command.rounds);
	trials_print(bench.trial, TRIALS, bench.command.rounds);
	close_trials();
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	bench.command = (struct command){
		.text = {{"policy", "FILE", &bench.policy}},
		.rounds = 9,
		.quick_rounds = 2,
	};
	if (command_read(argc, argv, &bench.command))
		return COMMAND_USAGE;
	if (bench.command.quick)
		bench.packets = bench.warm_up = FRAMES;
	name_trials();
	return bench.command.list ? command_list(bench.trial, TRIALS) : run_all();
}
