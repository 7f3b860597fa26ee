/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A twin's state without a twin, in a folder on a BPF file system:
 *
 *     pin_state PINS make LINES [VERSION [RULE_STATE_BYTES]]
 *     pin_state PINS show
 *
 * show prints as JSON until when a data plane promises to serve, and by CLOCK_MONOTONIC how long
 * that still is; whose rules have slots; and how many sources' buckets have a backlog.
 */
#include "join.h"
#include "pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "pin_state: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static int pin(const char *pins, enum join_part part, uint32_t value_size, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	const char *name = join_part_name(part);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), value_size, entries,
				 &options);
	int result = map < 0 ? map : pins_put(pins, name, NULL, map);

	return result < 0 ? result : map;
}

static int make(const char *pins, uint32_t lines, uint32_t version, uint32_t rule_state_bytes)
{
	const uint32_t sizes[JOIN_PARTS] = {sizeof(struct state), rule_state_bytes,
					    sizeof(struct source_line)};
	const uint32_t entries[JOIN_PARTS] = {1, CAP_RULE_SLOTS, lines};
	char message[JOIN_MESSAGE];
	int map[JOIN_PARTS];
	struct join join;

	if (mkdir(pins, 0700) != 0)
		return fail(pins, strerror(errno));
	for (unsigned part = 0; part < JOIN_PARTS; part++) {
		map[part] = pin(pins, part, sizes[part], entries[part]);
		if (map[part] < 0)
			return fail(pins, strerror(-map[part]));
	}
	if (rule_state_bytes != sizeof(struct rule_state))
		return EXIT_SUCCESS;
	if (join_maps(map, &join, message) != 0)
		return fail(pins, message);
	if (pins_put(pins, "link", "none", map[JOIN_STATE]) != 0)
		return fail(pins, "no link can be pinned");
	state_init(join.state, lines, (struct siphash_key){1, 2}, clock_ns(CLOCK_BOOTTIME), true);
	join.state->version = version;
	return EXIT_SUCCESS;
}

static int show(const char *pins)
{
	uint64_t now_ns, now, until_ns;
	unsigned owners = 0, buckets = 0;
	char message[JOIN_MESSAGE];
	struct join join;

	if (join_pinned(pins, &join, message) != 0)
		return fail(pins, message);
	until_ns = __atomic_load_n(&join.state->serving_until_ns, __ATOMIC_ACQUIRE);
	now_ns = clock_ns(CLOCK_MONOTONIC);
	now = state_now(join.state, clock_ns(CLOCK_BOOTTIME));
	for (unsigned slot = 0; slot < CAP_RULE_SLOTS; slot++)
		owners += join.state->owner[slot] != 0;
	for (unsigned i = 0; i < join.lines * SOURCE_WAYS; i++)
		buckets += state_line(join.state, i / SOURCE_WAYS)->state[i % SOURCE_WAYS] > now;
	printf("{\"serving_until_ns\": %lu, \"serving_ns\": %ld, \"owners\": %u, \"buckets\": %u, "
	       "\"lines\": %u}\n",
	       until_ns, (long)(until_ns - now_ns), owners, buckets, join.lines);
	join_leave(&join);
	return EXIT_SUCCESS;
}

static uint32_t number(int count, char **arguments, int at, uint32_t otherwise)
{
	return at < count ? (uint32_t)strtoul(arguments[at], NULL, 0) : otherwise;
}

int main(int count, char **arguments)
{
	if (count > 3 && strcmp(arguments[2], "make") == 0)
		return make(arguments[1], number(count, arguments, 3, 0),
			    number(count, arguments, 4, STATE_VERSION),
			    number(count, arguments, 5, sizeof(struct rule_state)));
	if (count == 3 && strcmp(arguments[2], "show") == 0)
		return show(arguments[1]);
	return fail("usage", "pin_state PINS make LINES [VERSION [RULE_STATE_BYTES]] | PINS show");
}
