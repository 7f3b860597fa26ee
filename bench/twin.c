/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-twin: what one run of the twin's program takes in the kernel, beside xdp-filter's, on the
 * same packets, in turns. Prints a line of JSON for each: scripts/bench makes tables of them.
 *
 * The kernel runs a program again and again on one packet (bpf_prog_test_run); where packets are to
 * come from many, it runs the stage, which changes the sender and goes on to the program. What the
 * stage takes by itself is a trial too, to be taken off: that of an empty program on it, less that
 * of one off it. The twin is attached to an interface, and it is the program there that is run.
 */
#include "command.h"
#include "deciding.h"
#include "net.h"
#include "staging.h"
#include "xdp_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 1000000, WARM_UP = 1 << 16, COUNTED = 1 << 14 };

enum program { EMPTY, SETS, EVERYTHING, FILTER, FILTER_ALL, PROGRAMS };

#define SEVERAL UINT32_MAX

/* Who sends a trial's packets: one, or those on a stage. */
enum senders { ONE, ONE_BLOCKED, ALL_BLOCKED, ALL_BLOCKED_PLAIN, ALL_MANY, SENDERS };

static const struct scene {
	const char *name;
	enum program program;
	enum senders senders;
	uint32_t returns; /* SEVERAL: one or another */
} scenes[] = {
	{"empty/one", EMPTY, ONE, XDP_PASS},
	{"empty/100K", EMPTY, ALL_BLOCKED, XDP_PASS},
	{"empty/100K-plain", EMPTY, ALL_BLOCKED_PLAIN, XDP_PASS},
	{"empty/1M", EMPTY, ALL_MANY, XDP_PASS},
	{"set/twin", SETS, ONE_BLOCKED, XDP_DROP},
	{"set/xdp-filter", FILTER, ONE_BLOCKED, XDP_DROP},
	{"set/xdp-filter-all", FILTER_ALL, ONE_BLOCKED, XDP_DROP},
	{"passed/twin", SETS, ONE, XDP_PASS},
	{"passed/xdp-filter", FILTER, ONE, XDP_PASS},
	{"passed/xdp-filter-all", FILTER_ALL, ONE, XDP_PASS},
	{"100K/twin", SETS, ALL_BLOCKED, XDP_DROP},
	{"100K/xdp-filter", FILTER, ALL_BLOCKED_PLAIN, XDP_DROP},
	{"one/twin", EVERYTHING, ONE, XDP_PASS},
	{"1M/twin", EVERYTHING, ALL_MANY, SEVERAL},
};
enum { TRIALS = sizeof scenes / sizeof *scenes };

struct twin_trial {
	struct trial trial;
	const struct scene *scene;
	int program;
};

struct bench {
	const char *everything, *sets, *folder, *only;
	struct command command;
	uint32_t packets; /* of a sample */
	struct policy_image policy[PROGRAMS];
	struct twin *twin[PROGRAMS];
	int program[PROGRAMS]; /* of twins and filters */
	struct bpf_object *filter[PROGRAMS];
	struct stage *stage[SENDERS];
	struct frames frames;
	uint32_t one; /* who sends next where one sends */
	struct twin_trial made[TRIALS];
	struct trial *trial[TRIALS];
	unsigned trials;
	bool failed;
};

static struct bench bench = {.everything = "bench/policy.json",
			     .sets = "bench/sets.json",
			     .folder = "/usr/lib/x86_64-linux-gnu/bpf",
			     .only = "*",
			     .packets = 1 << 15};

/* Have `program` run on packets of `source`: nanoseconds for each. What it returns in *returns. */
static uint32_t repeat(int program, uint32_t source, uint32_t packets, uint32_t *returns)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bench.frames.at,
		    .data_size_in = bench.frames.length[0], .repeat = (int)packets);
	int result;

	frames_put(&bench.frames, 0, source);
	result = bpf_prog_test_run_opts(program, &options);
	*returns = result ? UINT32_MAX : options.retval;
	return options.duration;
}

/* Another each time, lest one uses up what it may send; of those that the policy admits. */
static uint32_t next_one(enum senders senders)
{
	uint32_t returns;

	if (senders != ONE)
		return traffic_blocked(0);
	do {
		bench.one = (bench.one + 1) % MANY;
		repeat(bench.program[EVERYTHING], bench.one, 1, &returns);
	} while (returns == XDP_DROP);
	return bench.one;
}

/*
 * Have a trial's program run on packets. TSC cycles for each, by the kernel's clock around all of
 * them, as it changes its own code before; it says whole nanoseconds, cut off.
 */
static double run(struct twin_trial *made, uint32_t packets)
{
	const struct scene *scene = made->scene;
	uint32_t returns;
	uint32_t ns = repeat(made->program, next_one(scene->senders), packets, &returns);

	if (scene->returns == SEVERAL ? returns != XDP_PASS && returns != XDP_DROP
				      : returns != scene->returns) {
		fprintf(stderr, "%s: returned %u\n", made->trial.name, returns);
		bench.failed = true;
	}
	return (ns + 0.5) * calibrate_tsc_ghz();
}

static double run_sample(struct trial *trial)
{
	return run((struct twin_trial *)trial, bench.packets);
}

static int program_of(const struct scene *scene)
{
	if (scene->program == EMPTY)
		return stage_empty(
			bench.stage[scene->senders >= ALL_BLOCKED ? scene->senders : ALL_MANY]);
	return bench.program[scene->program];
}

/* Set the stage, and fill caches with what they can hold; see all senders once. */
static void warm_up(struct trial *trial)
{
	struct twin_trial *made = (struct twin_trial *)trial;
	const struct scene *scene = made->scene;

	made->program = program_of(scene);
	if (bench.stage[scene->senders])
		made->program = stage_for(bench.stage[scene->senders], made->program);
	run(made, scene->senders == ALL_MANY ? MANY : WARM_UP);
}

static void add_trials(void)
{
	for (unsigned i = 0; i < TRIALS; i++) {
		struct twin_trial *made = &bench.made[i];

		*made = (struct twin_trial){
			.trial = {.stops = true, .run = run_sample, .warm_up = warm_up},
			.scene = &scenes[i],
		};
		snprintf(made->trial.name, TRIAL_NAME, "%s", scenes[i].name);
		if (scenes[i].program == EMPTY || fnmatch(bench.only, made->trial.name, 0) == 0)
			bench.trial[bench.trials++] = &made->trial;
	}
}

static int open_twin(enum program program, const char *document, uint64_t sources)
{
	char name[IF_NAMESIZE];

	snprintf(name, sizeof name, "in%u", program);
	if (net_pair(program) ||
	    deciding_twin(name, sources, document, &bench.policy[program], &bench.twin[program]))
		return -1;
	bench.program[program] = net_program(program);
	return bench.program[program] < 0 ? -1 : 0;
}

static int open_filter(enum program program, const char *name)
{
	bench.filter[program] = xdp_filter_open(bench.folder, name, TRAFFIC_BLOCKED);
	if (!bench.filter[program])
		return -1;
	bench.program[program] = xdp_filter_program(bench.filter[program]);
	return 0;
}

static int open_stage(enum senders senders, enum traffic_shape shape, bool frags)
{
	struct traffic traffic;

	traffic_init(&traffic, shape, MANY, TRAFFIC_BLOCKED);
	bench.stage[senders] = stage_open(&traffic, frags);
	return bench.stage[senders] ? 0 : -1;
}

static int open_all(void)
{
	if (net_leave() || frames_init(&bench.frames, FRAME_TCP4) ||
	    open_stage(ALL_MANY, TRAFFIC_UNIFORM, true) ||
	    open_stage(ALL_BLOCKED, TRAFFIC_REFUSED, true) ||
	    open_stage(ALL_BLOCKED_PLAIN, TRAFFIC_REFUSED, false) ||
	    open_twin(EVERYTHING, bench.everything, MANY) || open_twin(SETS, bench.sets, 1))
		return -1;
	return open_filter(FILTER, "alw_ip") || open_filter(FILTER_ALL, "alw_all");
}

static void close_all(void)
{
	for (unsigned i = 0; i < SENDERS; i++)
		stage_close(bench.stage[i]);
	for (unsigned i = 0; i < PROGRAMS; i++) {
		if (bench.twin[i])
			close(bench.program[i]);
		twin_close(bench.twin[i]);
		xdp_filter_close(bench.filter[i]);
		policy_image_close(&bench.policy[i]);
	}
	frames_free(&bench.frames);
}

/* What becomes of packets of the many, which shows that all was on. */
static void print_reasons(void)
{
	const struct twin *twin = bench.twin[EVERYTHING];
	uint64_t before[REASON_COUNT];
	uint32_t returns;

	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		before[reason] = deciding_count(twin, reason);
	repeat(stage_for(bench.stage[ALL_MANY], bench.program[EVERYTHING]), 0, COUNTED, &returns);
	printf("{\"name\":\"reasons/1M\",\"packets\":%u", COUNTED);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		printf(",\"%s\":%lu", reason_word(reason),
		       deciding_count(twin, reason) - before[reason]);
	printf("}\n");
}

static int run_all(void)
{
	if (calibrate_pin() || calibrate_init() || open_all())
		return EXIT_FAILURE;
	trials_run(bench.trial, bench.trials, bench.command.rounds);
	trials_print(bench.trial, bench.trials, bench.command.rounds);
	print_reasons();
	close_all();
	return bench.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	bench.command = (struct command){
		.text = {{"policy", "FILE", &bench.everything},
			 {"sets", "FILE", &bench.sets},
			 {"xdp-filter", "FOLDER", &bench.folder},
			 {"only", "PATTERN", &bench.only}},
		.rounds = 5,
		.quick_rounds = 2,
	};
	if (command_read(argc, argv, &bench.command))
		return COMMAND_USAGE;
	if (bench.command.quick)
		bench.packets = 1 << 8;
	add_trials();
	return bench.command.list ? command_list(bench.trial, bench.trials) : run_all();
}
