/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT_GUARD: sources, destinations and ports that no rule may touch. */
#include "compile/segments.h"

#include "compile/memory.h"
#include "compile/ports.h"

#include <errno.h>
#include <stdlib.h>

enum { PORT_WORDS = PORTS / 64 };

struct build {
	struct table sources[FAMILIES], destinations[FAMILIES];
	uint64_t tcp[PORT_WORDS], udp[PORT_WORDS];
};

static int cut_family(const struct forest *forest, struct table *table)
{
	uint32_t *guarded = calloc((size_t)forest->count + 1, sizeof *guarded);
	int result;

	if (!guarded)
		return -ENOMEM;
	for (uint32_t i = 0; i < forest->count; i++)
		guarded[i] = 1;
	result = table_build(forest, guarded, 0, table);
	free(guarded);
	return result;
}

static int cut_list(const struct prefix_list *list, struct table table[FAMILIES])
{
	struct forest forest[FAMILIES];
	int result = 0;

	forests_init(forest);
	for (size_t i = 0; result == 0 && i < list->count; i++)
		result = forests_add(forest, &list->prefixes[i], 0);
	if (result == 0)
		result = forests_link(forest);
	for (unsigned family = 0; result == 0 && family < FAMILIES; family++)
		result = cut_family(&forest[family], &table[family]);
	forests_free(forest);
	return result;
}

/* How many ports of the protocol are guarded. */
static size_t set_ports(const struct guard_params *guard, uint8_t protocol, uint64_t *bits)
{
	size_t count = 0;

	for (size_t i = 0; i < guard->port_count; i++) {
		uint16_t port = guard->ports[i].port;

		if (guard->ports[i].protocol != protocol)
			continue;
		bits[port / 64] |= UINT64_C(1) << port % 64;
		count++;
	}
	return count;
}

static struct segment *write_guard(struct build *build, const struct guard_params *guard)
{
	struct writer writer = {.kind = SEGMENT_GUARD};

	writer_tables(&writer, GUARD_SOURCE_INDEX4, build->sources);
	writer_tables(&writer, GUARD_DESTINATION_INDEX4, build->destinations);
	if (set_ports(guard, PROTO_TCP, build->tcp))
		writer_array(&writer, GUARD_TCP, build->tcp, PORT_WORDS);
	if (set_ports(guard, PROTO_UDP, build->udp))
		writer_array(&writer, GUARD_UDP, build->udp, PORT_WORDS);
	return writer_segment(&writer);
}

static void build_free(struct build *build)
{
	for (unsigned family = 0; family < FAMILIES; family++) {
		table_free(&build->sources[family]);
		table_free(&build->destinations[family]);
	}
}

int guard_compile(const struct policy *policy, struct segment **segment, struct error *error)
{
	struct build build = {0};
	struct segment *written = NULL;

	if (cut_list(&policy->guard.sources, build.sources) == 0 &&
	    cut_list(&policy->guard.destinations, build.destinations) == 0)
		written = write_guard(&build, &policy->guard);
	build_free(&build);
	if (!written)
		return no_memory(error);
	*segment = written;
	return 0;
}
