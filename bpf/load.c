/* SPDX-License-Identifier: BSD-3-Clause */
/* The program in the kernel: loading it, its buckets, and questions to it. See load.h. */
#include "needs.h"
#include "loaded.h"
#include "slots.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* What is only asked needs no programs for interfaces, and who attaches those need not ask. */
static void choose_programs(struct twin_bpf *bpf, bool asks)
{
	bpf_program__set_autoload(bpf->progs.sluice_ask, asks);
	bpf_program__set_autoload(bpf->progs.xsk_def_prog, false);
	bpf_program__set_autoload(bpf->progs.sluice_sockets, false);
	bpf_map__set_autocreate(bpf->maps.xsks_map, false);
}

static int load(struct twin *twin, struct twin_error *error)
{
	const struct twin_options *options = &twin->options;
	const uint32_t lines = options->arena_lines ? options->arena_lines : TWIN_ARENA_LINES;
	int result;

	twin->bpf = twin_bpf__open();
	if (!twin->bpf)
		return twin_fail(error, -errno, "cannot open the twin's program");
	choose_programs(twin->bpf, !options->pins);
	result = bpf_map__set_max_entries(twin->bpf->maps.arena, lines);
	if (result == 0)
		result = keep_find(twin, error);
	if (result != 0)
		return result;
	result = twin_bpf__load(twin->bpf);
	if (result != 0)
		return twin_fail(error, result, "the kernel refuses the twin's program");
	result = keep_all(twin, error);
	if (result != 0)
		return result;
	result = generations_open(&twin->generations, twin->bpf, lines);
	return result ? twin_fail(error, result, "cannot map the twin's tables") : 0;
}

/* Remember the options, and which interfaces they name. */
static int take_options(struct twin *twin, const struct twin_options *options)
{
	twin->options = *options;
	if (options->pins) {
		twin->options.pins = strdup(options->pins);
		if (!twin->options.pins)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < options->pairs * PORT_ROLES; i++) {
		struct attached *attached = &twin->attached[twin->attached_count];

		attached->pair = i / PORT_ROLES;
		attached->role = i % PORT_ROLES;
		attached->link = -1;
		memcpy(attached->name, options->pair[attached->pair].name[attached->role],
		       sizeof attached->name);
		twin->attached_count += attached->name[0] != '\0';
	}
	return 0;
}

int twin_open(const struct twin_options *options, struct twin **twin, struct twin_error *error)
{
	struct twin *made;
	int result;

	libbpf_set_print(options->explain ? say_all : say_nothing);
	if (geteuid() != 0)
		return twin_fail(error, -EPERM, "the twin needs root");
	result = needs_check(error);
	if (result != 0)
		return result;
	made = calloc(1, sizeof *made);
	if (!made)
		return twin_fail(error, -ENOMEM, "the twin");
	result = take_options(made, options);
	result = result ? twin_fail(error, result, "the twin") : load(made, error);
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
	attach_close(twin);
	generations_close(&twin->generations);
	keep_leave(twin);
	if (twin->bpf)
		twin_bpf__destroy(twin->bpf);
	free((char *)twin->options.pins);
	free(twin);
}

int twin_prepare(struct twin *twin, void *const segments[SEGMENT_KINDS], const struct image *image,
		 bool direct, struct twin_error *error)
{
	int result = generations_prepare(&twin->generations, segments, image, direct);

	if (result == 0)
		slots_count(twin->slot_rule, twin->counters, twin->cpus, image);
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
