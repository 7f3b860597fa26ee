/* SPDX-License-Identifier: BSD-3-Clause */
/* See deciding.h. */
#include "deciding.h"
#include "traffic.h"
#include "tsc.h"

#include <stdio.h>

static int attach(const struct twin_options *options, const struct policy_image *policy,
		  struct twin **twin, struct twin_error *error)
{
	int result = twin_open(options, twin, error);

	if (result == 0)
		result = twin_prepare(*twin, policy->copy, &policy->image,
				      policy->image.origin.ip4.count > DIRECT_RANGES, error);
	if (result)
		return result;
	twin_commit(*twin, 1);
	return twin_attach(*twin, error);
}

int deciding_twin(const char *name, uint64_t sources, const char *file, struct policy_image *policy,
		  struct twin **twin)
{
	char pins[64];
	struct twin_options options = {
		.pins = pins,
		.mode = TWIN_ALONE,
		.pairs = 1,
		.sources = sources,
		.now_ns = tsc_clock_ns(),
	};
	struct twin_error error;
	int result;

	snprintf(pins, sizeof pins, "/sys/fs/bpf/%s", name);
	snprintf(options.pair[0].name[PORT_EDGE], IF_NAMESIZE, "%s", name);
	if (policy_image_open(file, TRAFFIC_BLOCKED, policy))
		return -1;
	for (uint32_t i = 0; i < policy->image.rule_count; i++)
		policy->image.rules[i].slot = (uint16_t)i;
	result = attach(&options, policy, twin, &error);
	if (result)
		fprintf(stderr, "%s\n", error.message);
	return result;
}

uint64_t deciding_count(const struct twin *twin, enum reason reason)
{
	const uint32_t *slot_rule;
	uint32_t cpus;
	const struct worker_counters *counters = twin_counters(twin, &cpus, &slot_rule);
	uint64_t packets = 0;

	for (uint32_t i = 0; i < cpus; i++)
		packets += counters[i].reason[reason].packets;
	return packets;
}
