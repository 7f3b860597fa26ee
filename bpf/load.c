/* SPDX-License-Identifier: BSD-3-Clause */
/* The program in the kernel: loading it, its buckets, and questions to it. See load.h. */
#include "loaded.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

int twin_fail(struct twin_error *error, int code, const char *what)
{
	snprintf(error->message, sizeof error->message, "%s: %s", what, strerror(-code));
	return code;
}

void *twin_map(int map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* What the program asks of a kernel, newest first: who has the first has the rest. */
static const struct {
	enum bpf_func_id helper;
	const char *name;
} needed[] = {
	{BPF_FUNC_xdp_load_bytes, "bpf_xdp_load_bytes (Linux 5.18)"},
	{BPF_FUNC_xdp_get_buff_len, "bpf_xdp_get_buff_len (Linux 5.18)"},
};

static int check_kernel(struct twin_error *error)
{
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		int has = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, needed[i].helper, NULL);

		if (has < 0)
			return twin_fail(error, has, "cannot ask the kernel for BPF");
		if (has == 0) {
			snprintf(error->message, sizeof error->message,
				 "this kernel lacks what the twin needs: %s", needed[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static int say_all(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return vfprintf(stderr, format, arguments);
}

static int map_state(struct twin *twin, const struct twin_options *options,
		     struct twin_error *error)
{
	const int map[JOIN_PARTS] = {
		bpf_map__fd(twin->bpf->maps.state),
		bpf_map__fd(twin->bpf->maps.rule_states),
		bpf_map__fd(twin->bpf->maps.sources),
	};
	int result = join_maps(map, &twin->join, error->message);
	struct siphash_key key;

	if (result != 0)
		return result;
	if (options->key)
		key = *options->key;
	else if (getrandom(&key, sizeof key, 0) != sizeof key)
		return twin_fail(error, -errno, "no random key");
	state_init(twin->join.state, twin->join.lines, key, options->now_ns, true);
	return 0;
}

static int load(struct twin *twin, const struct twin_options *options, struct twin_error *error)
{
	const uint32_t lines = options->arena_lines ? options->arena_lines : TWIN_ARENA_LINES;
	int result;

	twin->bpf = twin_bpf__open();
	if (!twin->bpf)
		return twin_fail(error, -errno, "cannot open the twin's program");
	result = bpf_map__set_max_entries(twin->bpf->maps.sources,
					  source_lines_for(options->sources));
	if (result == 0)
		result = bpf_map__set_max_entries(twin->bpf->maps.arena, lines);
	if (result == 0)
		result = twin_bpf__load(twin->bpf);
	if (result != 0)
		return twin_fail(error, result, "the kernel refuses the twin's program");
	result = map_state(twin, options, error);
	if (result != 0)
		return result;
	result = generations_open(&twin->generations, twin->bpf, lines);
	return result ? twin_fail(error, result, "cannot map the twin's tables") : 0;
}

int twin_open(const struct twin_options *options, struct twin **twin, struct twin_error *error)
{
	struct twin *made;
	int result;

	libbpf_set_print(options->explain ? say_all : say_nothing);
	if (geteuid() != 0)
		return twin_fail(error, -EPERM, "the twin needs root");
	result = check_kernel(error);
	if (result != 0)
		return result;
	made = calloc(1, sizeof *made);
	if (!made)
		return twin_fail(error, -ENOMEM, "the twin");
	result = load(made, options, error);
	if (result != 0)
		twin_close(made);
	else
		*twin = made;
	return result;
}

void twin_close(struct twin *twin)
{
	if (!twin)
		return;
	generations_close(&twin->generations);
	join_leave(&twin->join);
	if (twin->bpf)
		twin_bpf__destroy(twin->bpf);
	free(twin);
}

int twin_prepare(struct twin *twin, void *const segments[SEGMENT_KINDS], const struct image *image,
		 bool direct, struct twin_error *error)
{
	int result = generations_prepare(&twin->generations, segments, image, direct);

	if (result == -E2BIG)
		return twin_fail(error, result, "single addresses lie too close");
	if (result == -ENOSPC) {
		snprintf(error->message, sizeof error->message,
			 "the twin's tables of %u lines have no room for %u more",
			 twin->generations.lines, twin_lines_needed(segments, direct));
		return result;
	}
	return result ? twin_fail(error, result, "cannot fill the twin's tables") : 0;
}

void twin_commit(struct twin *twin, uint64_t generation)
{
	generations_commit(&twin->generations, generation);
}

void twin_abandon(struct twin *twin)
{
	generations_abandon(&twin->generations);
}

struct state *twin_state(const struct twin *twin)
{
	return twin->join.state;
}

int twin_program(const struct twin *twin)
{
	return bpf_program__fd(twin->bpf->progs.sluice_ask);
}

int twin_ask(struct twin *twin, const uint8_t *frame, uint32_t length, uint64_t now_ns,
	     struct decision *decision)
{
	struct twin_question question = {.now_ns = now_ns};
	const uint32_t size = sizeof question + length;
	struct xdp_md about = {.data = sizeof question, .data_end = size};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = twin->asked, .data_size_in = size,
		    .data_out = twin->answered, .data_size_out = size, .ctx_in = &about,
		    .ctx_size_in = sizeof about);
	int result;

	if (length > CAP_FRAME)
		return -EMSGSIZE;
	memcpy(twin->asked, &question, sizeof question);
	memcpy(twin->asked + sizeof question, frame, length);
	result = bpf_prog_test_run_opts(bpf_program__fd(twin->bpf->progs.sluice_ask), &run);
	if (result != 0)
		return result;
	if (run.retval != XDP_PASS)
		return -ENODATA;
	memcpy(&question, twin->answered, sizeof question);
	*decision = question.decision;
	return 0;
}
