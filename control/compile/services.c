/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SEGMENT_SERVICES: destination classes and port classes, both sets of services; for each
 * pair of them the first service that is in both; for each service and origin the rule.
 */
#include "compile/segments.h"

#include "compile/choice.h"
#include "compile/memory.h"
#include "compile/ports.h"

#include <errno.h>
#include <stdlib.h>

enum { SERVICE_WORDS = CAP_SERVICES / 64 };

/* A set of services, for finding the first that two sets share. */
struct service_bits {
	uint64_t word[SERVICE_WORDS];
};

struct build {
	const struct policy *policy;
	struct forest forest[FAMILIES];
	struct classes destinations;
	struct table table[FAMILIES];
	struct ports ports;
	uint16_t *cells;
	uint16_t *choice;
	struct service *services;
	struct fallback *fallbacks;
	struct names names;
};

static int plant(struct build *build)
{
	const struct policy *policy = build->policy;

	for (size_t i = 0; i < policy->service_count; i++) {
		const struct prefix_list *list = &policy->services[i].destinations;

		for (size_t j = 0; j < list->count; j++) {
			if (forests_add(build->forest, &list->prefixes[j], (uint32_t)i) != 0)
				return -ENOMEM;
		}
	}
	return forests_link(build->forest);
}

/* Equal prefixes, [begin, end): what holds around them and these services. */
static int class_of_run(struct build *build, const struct forest *forest, uint32_t begin,
			uint32_t end, uint32_t outer, uint32_t *class)
{
	uint16_t *services = calloc(end - begin, sizeof *services);
	int result;

	if (!services)
		return -ENOMEM;
	for (uint32_t i = begin; i < end; i++)
		services[i - begin] = (uint16_t)forest->nodes[i].item;
	result = classes_add(&build->destinations, outer, services, end - begin, class);
	free(services);
	return result;
}

static int cut_family(struct build *build, unsigned family)
{
	const struct forest *forest = &build->forest[family];
	uint32_t *class = calloc((size_t)forest->count + 1, sizeof *class);
	int result = class ? 0 : -ENOMEM;
	uint32_t end;

	for (uint32_t i = 0; result == 0 && i < forest->count; i = end) {
		uint32_t parent = forest->nodes[i].parent;

		end = forest_run(forest, i);
		result = class_of_run(build, forest, i, end,
				      parent == FOREST_NONE ? 0 : class[parent], &class[end - 1]);
	}
	if (result == 0)
		result = table_build(forest, class, 0, &build->table[family]);
	free(class);
	return result;
}

static int cut_destinations(struct build *build)
{
	int result = plant(build);

	if (result == 0)
		result = classes_init(&build->destinations);
	for (unsigned family = 0; result == 0 && family < FAMILIES; family++)
		result = cut_family(build, family);
	return result;
}

static void bits_set(struct service_bits *bits, uint16_t service)
{
	bits->word[service / 64] |= UINT64_C(1) << service % 64;
}

static struct service_bits class_bits(const struct classes *classes, uint32_t class)
{
	struct service_bits bits = {0};
	size_t count;
	const uint16_t *services = classes_members(classes, class, &count);

	for (size_t i = 0; i < count; i++)
		bits_set(&bits, services[i]);
	return bits;
}

static uint16_t first_shared(const struct service_bits *a, const struct service_bits *b)
{
	for (unsigned i = 0; i < SERVICE_WORDS; i++) {
		uint64_t shared = a->word[i] & b->word[i];

		if (shared)
			return (uint16_t)(64 * i + (unsigned)__builtin_ctzll(shared));
	}
	return NONE;
}

static void fill_cells(const struct build *build, const struct service_bits *ports)
{
	uint32_t columns = build->ports.classes.count;
	uint16_t *cell = build->cells;

	for (uint32_t row = 0; row < build->destinations.count; row++) {
		struct service_bits here = class_bits(&build->destinations, row);

		for (size_t i = 0; i < build->policy->service_count; i++) {
			if (build->policy->services[i].destinations.count == 0)
				bits_set(&here, (uint16_t)i);
		}
		for (uint32_t column = 0; column < columns; column++)
			*cell++ = first_shared(&here, &ports[column]);
	}
}

static int build_cells(struct build *build)
{
	uint32_t columns = build->ports.classes.count;
	size_t count = (size_t)build->destinations.count * columns;
	struct service_bits *ports;

	if (count > CAP_CLASS_CELLS)
		return -E2BIG;
	build->cells = calloc(count, sizeof *build->cells);
	ports = calloc(columns, sizeof *ports);
	if (!build->cells || !ports) {
		free(ports);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < columns; i++)
		ports[i] = class_bits(&build->ports.classes, i);
	fill_cells(build, ports);
	free(ports);
	return 0;
}

static int fill_records(struct build *build)
{
	const struct policy *policy = build->policy;

	build->services = calloc(policy->service_count + 1, sizeof *build->services);
	build->fallbacks = calloc(policy->fallback_count + 1, sizeof *build->fallbacks);
	if (!build->services || !build->fallbacks)
		return -ENOMEM;
	for (size_t i = 0; i < policy->service_count; i++) {
		build->services[i].fallback = policy->services[i].fallback;
		if (names_add(&build->names, policy->services[i].name, &build->services[i].name))
			return -ENOMEM;
	}
	for (size_t i = 0; i < policy->fallback_count; i++) {
		const struct fallback_params *params = &policy->fallbacks[i];
		struct fallback *fallback = &build->fallbacks[i];

		__builtin_memcpy(fallback->mac, params->mac, sizeof fallback->mac);
		fallback->vlan = params->vlan;
		fallback->flags = (uint8_t)((params->vlan ? FALLBACK_VLAN : 0) |
					    (params->port ? FALLBACK_PORT : 0));
		if (names_add(&build->names, params->name, &fallback->name))
			return -ENOMEM;
	}
	return 0;
}

static struct segment *write_services(const struct build *build,
				      const struct membership *membership)
{
	const struct policy *policy = build->policy;
	struct writer writer = {.kind = SEGMENT_SERVICES};
	uint64_t cells = (uint64_t)build->destinations.count * build->ports.classes.count;

	writer_tables(&writer, SERVICES_INDEX4, build->table);
	writer_array(&writer, SERVICES_TCP, build->ports.tcp, PORTS);
	writer_array(&writer, SERVICES_UDP, build->ports.udp, PORTS);
	writer_array(&writer, SERVICES_PROTOCOL, build->ports.protocol, PROTOCOLS);
	writer_array(&writer, SERVICES_FRAGMENT, build->ports.fragment, PROTOCOLS);
	writer_array(&writer, SERVICES_CLASSES, &build->ports.classes.count, 1);
	writer_array(&writer, SERVICES_CELLS, build->cells, cells);
	writer_array(&writer, SERVICES_CHOICE, build->choice,
		     (policy->service_count + 1) * membership->origins);
	writer_array(&writer, SERVICES_SERVICES, build->services, policy->service_count);
	writer_array(&writer, SERVICES_FALLBACKS, build->fallbacks, policy->fallback_count);
	writer_array(&writer, SERVICES_NAMES, build->names.text, build->names.size);
	return writer_segment(&writer);
}

static void build_free(struct build *build)
{
	forests_free(build->forest);
	classes_free(&build->destinations);
	table_free(&build->table[0]);
	table_free(&build->table[1]);
	ports_free(&build->ports);
	free(build->cells);
	free(build->choice);
	free(build->services);
	free(build->fallbacks);
	free(build->names.text);
}

static int build_all(struct build *build, const struct membership *membership,
		     struct segment **segment)
{
	int result;

	if ((result = cut_destinations(build)) ||
	    (result = ports_build(build->policy, &build->ports)) || (result = build_cells(build)) ||
	    (result = fill_records(build)))
		return result;
	build->choice = choice_new(build->policy, membership);
	if (!build->choice)
		return -ENOMEM;
	*segment = write_services(build, membership);
	return *segment ? 0 : -ENOMEM;
}

int services_compile(const struct policy *policy, const struct membership *membership,
		     struct segment **segment, struct error *error)
{
	struct build build = {.policy = policy};
	int result;

	forests_init(build.forest);
	result = build_all(&build, membership, segment);
	build_free(&build);
	if (result == -E2BIG)
		return error_set(error, ERROR_CAPACITY, "services",
				 "destinations and ports overlap in too many ways: more than %d "
				 "classes of either, or %d pairs",
				 CAP_CLASSES, CAP_CLASS_CELLS);
	return result == 0 ? 0 : no_memory(error);
}
