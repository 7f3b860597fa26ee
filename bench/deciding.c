/* SPDX-License-Identifier: BSD-3-Clause */
/* See deciding.h. */
#include "deciding.h"
#include "traffic.h"

#include <stdio.h>

int deciding_twin(const struct twin_options *options, const char *file, struct policy_image *policy,
		  struct twin **twin)
{
	struct twin_error error;
	int result;

	if (policy_image_open(file, TRAFFIC_BLOCKED, policy))
		return -1;
	for (uint32_t i = 0; i < policy->image.rule_count; i++)
		policy->image.rules[i].slot = (uint16_t)i;
	result = twin_open(options, twin, &error);
	if (result == 0)
		result = twin_prepare(*twin, policy->copy, &policy->image,
				      policy->image.origin.ip4.count > DIRECT_RANGES, &error);
	if (result == 0)
		twin_commit(*twin, 1);
	else
		fprintf(stderr, "%s\n", error.message);
	return result;
}
