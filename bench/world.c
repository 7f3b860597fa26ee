/* SPDX-License-Identifier: BSD-3-Clause */
/* See world.h. */
#include "world.h"
#include "memory.h"
#include "traffic.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	DOCUMENT_MOST = 1 << 20,
	START_NS = 1000000000,
	SOURCES_DEFAULT = 1 << 20,
	FILL = 3, /* sources for each bucket */
	BLOCKED6 = 1000000,
};

static int read_policy(const char *file, struct policy **policy, struct error *error)
{
	static char text[DOCUMENT_MOST];
	FILE *stream = fopen(file, "re");
	size_t size;

	if (!stream)
		return error_set(error, ERROR_INVALID, "", "%s", strerror(errno));
	size = fread(text, 1, sizeof text, stream);
	fclose(stream);
	return policy_parse(text, size, 0, policy, error);
}

static int add_blocked(struct policy *policy, uint32_t blocked, struct error *error)
{
	uint32_t blocked6 = blocked < BLOCKED6 ? blocked : BLOCKED6;
	struct entry_params *entries = calloc((size_t)blocked + blocked6, sizeof *entries);
	uint16_t set = policy_set(policy, "bots");
	size_t changed;
	int result;

	if (!entries || set == NONE) {
		free(entries);
		return error_set(error, ERROR_INVALID, "sets", "no set named bots, or no memory");
	}
	for (uint32_t i = 0; i < blocked; i++)
		entries[i].prefix =
			(struct prefix){{0, traffic_address(traffic_blocked(i))}, 0, 32};
	for (uint32_t i = 0; i < blocked6; i++)
		entries[blocked + i].prefix =
			(struct prefix){{traffic_network6(traffic_blocked(i)), 0}, 1, 128};
	result = set_params_add(&policy->sets[set], entries, (size_t)blocked + blocked6, &changed);
	free(entries);
	return result ? error_set(error, ERROR_CAPACITY, "sets", "out of memory") : 0;
}

/* In memory as a data plane's, which is of huge pages. */
static int open_copies(struct policy_image *opened, struct error *error)
{
	struct image_error wrong;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment *segment = opened->compiled.segment[kind];

		opened->copy[kind] = memory_map(segment->size);
		if (!opened->copy[kind])
			return error_set(error, ERROR_CAPACITY, "", "out of memory");
		memcpy(opened->copy[kind], segment->data, segment->size);
	}
	if (image_open(opened->copy, &opened->image, &wrong))
		return error_set(error, ERROR_INVALID, wrong.segment, "%s", wrong.message);
	opened->direct4 = memory_map(DIRECT_BYTES);
	if (!opened->direct4)
		return error_set(error, ERROR_CAPACITY, "", "out of memory");
	image_direct4(&opened->image, opened->direct4);
	opened->image.direct4 = opened->direct4;
	return 0;
}

static int compile_and_open(struct policy_image *opened, uint32_t blocked, struct error *error)
{
	const struct feed_paths paths = {0};

	if (add_blocked(opened->policy, blocked, error) ||
	    compile(opened->policy, &paths, NULL, &opened->compiled, error))
		return -1;
	return open_copies(opened, error);
}

int policy_image_open(const char *file, uint32_t blocked, struct policy_image *opened)
{
	struct error error;

	*opened = (struct policy_image){.policy = NULL};
	if (read_policy(file, &opened->policy, &error) == 0 &&
	    compile_and_open(opened, blocked, &error) == 0)
		return 0;
	policy_image_close(opened);
	fprintf(stderr, "%s: %s: %s\n", file, error.path, error.message);
	return -1;
}

void policy_image_close(struct policy_image *opened)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		if (opened->copy[kind])
			memory_unmap(opened->copy[kind], opened->compiled.segment[kind]->size);
	}
	memory_unmap(opened->direct4, DIRECT_BYTES);
	compiled_unref(&opened->compiled);
	policy_free(opened->policy);
}

/* One packet of each of BURST_MOST sources from number `first` on. How many were admitted. */
static unsigned introduce(struct world *world, struct frames *frames,
			  const struct burst_level *level, uint32_t first)
{
	unsigned admitted = 0;
	struct burst burst;

	for (unsigned i = 0; i < BURST_MOST; i++)
		frames_put(frames, i, first + i);
	frames_burst(frames, 0, &burst);
	world_decide(world, level, &burst);
	for (unsigned i = 0; i < BURST_MOST; i++)
		admitted += burst.decision[i].reason == REASON_ADMITTED;
	return admitted;
}

/* Ever more sources, until as many as are to live have a bucket. */
static int populate(struct world *world, enum frame_kind kind, uint32_t live)
{
	struct frames frames;

	if (frames_init(&frames, kind))
		return -ENOMEM;
	for (; world->admitted < live; world->sources += BURST_MOST)
		world->admitted += introduce(world, &frames, burst_level_best(), world->sources);
	frames_free(&frames);
	return 0;
}

static int add_plain(struct world *world, const struct policy *policy, int socket)
{
	struct frames frames;

	world->plain_counters = memory_map(sizeof *world->plain_counters);
	world->plain = plain_open(policy, world->image, world->admitted, socket);
	if (!world->plain_counters || !world->plain || frames_init(&frames, FRAME_TCP4))
		return -ENOMEM;
	for (uint32_t first = 0; first < world->sources; first += BURST_MOST)
		introduce(world, &frames, NULL, first);
	frames_free(&frames);
	return 0;
}

/* Arrays as bpf/tables.h has them. */
static int open_twins(struct world *world)
{
	static const uint32_t sizes[JOIN_PARTS] = {sizeof(struct state), sizeof(struct rule_state),
						   sizeof(struct source_line)};
	const uint32_t entries[JOIN_PARTS] = {1, CAP_RULE_SLOTS, (uint32_t)world->lines};
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	char message[JOIN_MESSAGE] = "the kernel has no memory for it";
	int map[JOIN_PARTS], result = 0;

	for (unsigned i = 0; i < JOIN_PARTS; i++) {
		map[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, join_part_name(i), sizeof(uint32_t),
					sizes[i], entries[i], &options);
		result |= map[i] < 0;
	}
	if (result == 0)
		result = join_maps(map, &world->join, message);
	for (unsigned i = 0; i < JOIN_PARTS; i++)
		close(map[i]);
	if (result)
		fprintf(stderr, "the twin's state: %s\n", message);
	else
		world->state = world->join.state;
	return result;
}

static int open_small(struct world *world)
{
	size_t size = state_size((uint32_t)world->lines);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	world->state = memory;
	return madvise(memory, size, MADV_NOHUGEPAGE) ? -errno : 0;
}

static int open_state(struct world *world)
{
	if (world->where == WORLD_TWIN)
		return open_twins(world);
	if (world->where == WORLD_SMALL)
		return open_small(world);
	world->state = memory_map(state_size((uint32_t)world->lines));
	return world->state ? 0 : -ENOMEM;
}

static int open_tables(struct world *world)
{
	if (open_state(world))
		return -ENOMEM;
	world->memory = memory_map(sizeof *world->memory);
	world->counters = memory_map(sizeof *world->counters);
	if (!world->memory || !world->counters)
		return -ENOMEM;
	state_init(world->state, (uint32_t)world->lines, (struct siphash_key){11, 13}, 0,
		   world->where != WORLD_OWN);
	return 0;
}

int world_open_in(enum world_memory where, const struct policy_image *policy, enum frame_kind kind,
		  uint32_t live, struct world *world)
{
	*world = (struct world){
		.image = &policy->image,
		.where = where,
		.lines = source_lines_for(live > SOURCES_DEFAULT ? live : SOURCES_DEFAULT),
		.now_ns = START_NS,
	};
	for (uint32_t i = 0; i < policy->image.rule_count; i++)
		policy->image.rules[i].slot = (uint16_t)i;
	if (open_tables(world) == 0 && populate(world, kind, live) == 0)
		return 0;
	fprintf(stderr, "no memory for %u live sources\n", live);
	return -1;
}

int world_open(const struct policy_image *policy, enum frame_kind kind, uint32_t live, int socket,
	       struct world *world)
{
	int result = world_open_in(WORLD_OWN, policy, kind, live, world);

	if (result || socket < 0 || add_plain(world, policy->policy, socket) == 0)
		return result;
	fprintf(stderr, "no memory for a plain chain of %u live sources\n", live);
	return -1;
}

int world_fill(struct world *world)
{
	uint32_t first = world->sources, last = first + FILL * (uint32_t)world->lines * SOURCE_WAYS;
	struct frames frames;

	if (frames_init(&frames, FRAME_TCP4)) {
		fprintf(stderr, "no memory for frames\n");
		return -1;
	}
	for (; first < last; first += BURST_MOST)
		introduce(world, &frames, burst_level_best(), first);
	frames_free(&frames);
	return 0;
}

void world_close(struct world *world)
{
	plain_close(world->plain);
	if (world->where == WORLD_TWIN)
		join_leave(&world->join);
	else if (world->where == WORLD_SMALL && world->state)
		munmap(world->state, state_size((uint32_t)world->lines));
	else
		memory_unmap(world->state, state_size((uint32_t)world->lines));
	memory_unmap(world->memory, sizeof *world->memory);
	memory_unmap(world->counters, sizeof *world->counters);
	memory_unmap(world->plain_counters, sizeof *world->plain_counters);
}

uint32_t world_own_buckets(const struct world *world)
{
	uint64_t now = state_now(world->state, world->now_ns);
	uint32_t live = 0;

	for (size_t line = 0; line < world->lines; line++) {
		for (unsigned way = 0; way < SOURCE_WAYS; way++)
			live += state_line(world->state, (uint32_t)line)->state[way] > now;
	}
	return live;
}

size_t world_room(const struct world *world)
{
	return world->lines * SOURCE_WAYS;
}

size_t world_bytes(const struct world *world)
{
	return world->lines * sizeof(struct source_line);
}
