/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-veth: what a packet costs that arrives at an interface and is filtered there: by the twin
 * alone, by xdp-filter and by nftables, on pairs of virtual interfaces alike, in turns. Prints a
 * line of JSON for each: scripts/bench makes tables of them.
 *
 * The kernel sends the packets (bpf_prog_test_run with live frames): a program puts another sender
 * into each and redirects it to one end of a pair, and the other end's poll hands it to the filter
 * within the same call. So all is done on one CPU, and the time of the call, divided by its
 * packets, is what sending, receiving and filtering one takes.
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
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP = 1 << 15 };

enum filter { DROP, PASS, TWIN, XDP_FILTER, NFTABLES, FILTERS };

/* Senders that are blocked, that send more than they may, and that send little. */
enum senders { SENDS_BLOCKED, SENDS_MUCH, SENDS_LITTLE, SENDERS };

static const struct scene {
	const char *name;
	enum filter filter;
	enum senders senders;
} scenes[] = {
	{"blocked/drop all", DROP, SENDS_BLOCKED},
	{"blocked/twin-alone", TWIN, SENDS_BLOCKED},
	{"blocked/xdp-filter", XDP_FILTER, SENDS_BLOCKED},
	{"blocked/nftables", NFTABLES, SENDS_BLOCKED},
	{"limited/drop all", DROP, SENDS_MUCH},
	{"limited/twin-alone", TWIN, SENDS_MUCH},
	{"limited/nftables", NFTABLES, SENDS_MUCH},
	{"passed/pass all", PASS, SENDS_LITTLE},
	{"passed/twin-alone", TWIN, SENDS_LITTLE},
	{"passed/xdp-filter", XDP_FILTER, SENDS_LITTLE},
	{"passed/nftables", NFTABLES, SENDS_LITTLE},
};
enum { TRIALS = sizeof scenes / sizeof *scenes };

struct veth_trial {
	struct trial trial;
	const struct scene *scene;
};

struct bench {
	const char *policy, *rules, *folder, *only;
	struct command command;
	uint32_t packets; /* of a sample */
	uint32_t checked; /* to see what passes */
	uint32_t few;     /* senders that send much */
	uint32_t many;    /* that send little */
	bool failed;
	struct policy_image image;
	struct twin *twin;
	struct bpf_object *filter;
	struct stage *stage[SENDERS];
	struct frames frames;
	struct veth_trial made[TRIALS];
	struct trial *trial[TRIALS];
	unsigned trials;
};

static struct bench bench = {.policy = "bench/veth.json",
			     .rules = "bench/veth.nft",
			     .folder = "/usr/lib/x86_64-linux-gnu/bpf",
			     .only = "*",
			     .packets = 1 << 13,
			     .checked = 1 << 16,
			     .few = 4096,
			     .many = 1000000};

/* Send `packets` to a filter. TSC cycles for each. */
static double flood(enum filter filter, enum senders senders, uint32_t packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bench.frames.at,
		    .data_size_in = bench.frames.length[0], .repeat = (int)packets,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int program = stage_flood(bench.stage[senders], net_out(filter));
	int result = bpf_prog_test_run_opts(program, &options);

	if (result) {
		fprintf(stderr, "cannot send live frames: %s\n", strerror(-result));
		bench.failed = true;
	}
	return (options.duration + 0.5) * calibrate_tsc_ghz();
}

static double run_sample(struct trial *trial)
{
	const struct scene *scene = ((struct veth_trial *)trial)->scene;

	return flood(scene->filter, scene->senders, bench.packets);
}

static void warm_up(struct trial *trial)
{
	const struct scene *scene = ((struct veth_trial *)trial)->scene;

	flood(scene->filter, scene->senders, WARM_UP);
}

static void add_trials(void)
{
	for (unsigned i = 0; i < TRIALS; i++) {
		struct veth_trial *made = &bench.made[i];

		*made = (struct veth_trial){
			.trial = {.stops = true, .run = run_sample, .warm_up = warm_up},
			.scene = &scenes[i],
		};
		snprintf(made->trial.name, TRIAL_NAME, "%s", scenes[i].name);
		if (fnmatch(bench.only, made->trial.name, 0) == 0)
			bench.trial[bench.trials++] = &made->trial;
	}
}

static int open_stages(void)
{
	static const enum traffic_shape shapes[SENDERS] = {TRAFFIC_REFUSED, TRAFFIC_UNIFORM,
							   TRAFFIC_UNIFORM};
	const uint32_t sources[SENDERS] = {1, bench.few, bench.many};

	for (unsigned i = 0; i < SENDERS; i++) {
		struct traffic traffic;

		traffic_init(&traffic, shapes[i], sources[i], TRAFFIC_BLOCKED);
		bench.stage[i] = stage_open(&traffic, true);
		if (!bench.stage[i])
			return -1;
	}
	return 0;
}

static int attach(enum filter filter, int program)
{
	int result = bpf_xdp_attach((int)net_in(filter), program, XDP_FLAGS_DRV_MODE, NULL);

	if (result)
		fprintf(stderr, "cannot attach to in%u: %s\n", filter, strerror(-result));
	return result;
}

static int open_filters(void)
{
	char name[IF_NAMESIZE];

	bench.filter = xdp_filter_open(bench.folder, "alw_all", TRAFFIC_BLOCKED);
	if (!bench.filter || attach(XDP_FILTER, xdp_filter_program(bench.filter)) ||
	    attach(DROP, stage_drop(bench.stage[0])) || attach(PASS, stage_empty(bench.stage[0])))
		return -1;
	snprintf(name, sizeof name, "in%u", TWIN);
	return deciding_twin(name, bench.many, bench.policy, &bench.image, &bench.twin) ||
	       net_rules(bench.rules, NFTABLES, TRAFFIC_BLOCKED);
}

static int open_all(void)
{
	libbpf_set_print(NULL);
	if (net_leave() || frames_init(&bench.frames, FRAME_TCP4) || open_stages())
		return -1;
	frames_put(&bench.frames, 0, 0);
	for (unsigned i = 0; i < FILTERS; i++) {
		if (net_pair(i))
			return -1;
	}
	return open_filters();
}

static void close_all(void)
{
	twin_close(bench.twin);
	xdp_filter_close(bench.filter);
	for (unsigned i = 0; i < SENDERS; i++)
		stage_close(bench.stage[i]);
	policy_image_close(&bench.image);
	frames_free(&bench.frames);
}

/* How much a filter lets through, which shows what it filters. */
static int print_passed(const struct scene *scene)
{
	int64_t before = net_passed(scene->filter), after;

	flood(scene->filter, scene->senders, bench.checked);
	after = net_passed(scene->filter);
	if (before < 0 || after < 0) {
		fprintf(stderr, "cannot count what %s passes\n", scene->name);
		return -1;
	}
	printf("{\"name\":\"passed/%s\",\"packets\":%u,\"passed\":%lld}\n", scene->name,
	       bench.checked, (long long)(after - before));
	return 0;
}

static int run_all(void)
{
	if (calibrate_pin() || calibrate_init() || open_all())
		return EXIT_FAILURE;
	/* Who has buckets has one for most senders then. */
	flood(TWIN, SENDS_LITTLE, 2 * bench.many);
	flood(NFTABLES, SENDS_LITTLE, 2 * bench.many);
	trials_run(bench.trial, bench.trials, bench.command.rounds);
	trials_print(bench.trial, bench.trials, bench.command.rounds);
	for (unsigned i = 0; i < bench.trials; i++) {
		if (print_passed(((struct veth_trial *)bench.trial[i])->scene))
			bench.failed = true;
	}
	close_all();
	return bench.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	bench.command = (struct command){
		.text = {{"policy", "FILE", &bench.policy},
			 {"rules", "FILE", &bench.rules},
			 {"xdp-filter", "FOLDER", &bench.folder},
			 {"only", "PATTERN", &bench.only}},
		.rounds = 5,
		.quick_rounds = 1,
	};
	if (command_read(argc, argv, &bench.command))
		return COMMAND_USAGE;
	if (bench.command.quick) {
		bench.packets = 1 << 8;
		bench.checked = 1 << 12;
		bench.few = 64;
		bench.many = 10000;
	}
	add_trials();
	return bench.command.list ? command_list(bench.trial, bench.trials) : run_all();
}
