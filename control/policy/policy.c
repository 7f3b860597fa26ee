/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy's memory. Whatever is half built can be freed: a list's count is set once the
 * list is allocated, zeroed, and what its elements own is filled in after.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

static void set_free(struct set_params *set)
{
	entries_free(&set->entries);
	free(set->name);
}

static void groups_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->group_count; i++) {
		free(policy->groups[i].name);
		free(policy->groups[i].terms);
	}
	free(policy->groups);
}

static void services_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->service_count; i++) {
		free(policy->services[i].name);
		free(policy->services[i].destinations.prefixes);
		free(policy->services[i].ports);
	}
	free(policy->services);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	free(policy->name);
	free(policy->guard.sources.prefixes);
	free(policy->guard.destinations.prefixes);
	free(policy->guard.ports);
	for (size_t i = 0; i < policy->set_count; i++)
		set_free(&policy->sets[i]);
	free(policy->sets);
	for (size_t i = 0; i < policy->feed_count; i++)
		free(policy->feeds[i].file);
	free(policy->feeds);
	groups_free(policy);
	services_free(policy);
	for (size_t i = 0; i < policy->fallback_count; i++)
		free(policy->fallbacks[i].name);
	free(policy->fallbacks);
	for (size_t i = 0; i < policy->rule_count; i++)
		free(policy->rules[i].name);
	free(policy->rules);
	free(policy);
}

struct policy *policy_empty(void)
{
	struct policy *policy = calloc(1, sizeof *policy);

	if (!policy)
		return NULL;
	policy->malformed = VERDICT_PASS;
	policy->link_other = VERDICT_PASS;
	policy->unmatched = VERDICT_PASS;
	policy->has_feeds = true;
	return policy;
}

uint16_t policy_rule(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (strcmp(policy->rules[i].name, name) == 0)
			return (uint16_t)i;
	}
	return NONE;
}

uint16_t policy_set(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->set_count; i++) {
		if (strcmp(policy->sets[i].name, name) == 0)
			return (uint16_t)i;
	}
	return NONE;
}

size_t policy_entries(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->set_count; i++)
		count += policy->sets[i].entries.sum.count;
	return count;
}

uint16_t policy_add_set(struct policy *policy, const char *name, uint8_t verdict)
{
	struct set_params *sets;
	char *own_name;

	if (policy->set_count >= CAP_SETS)
		return NONE;
	sets = realloc(policy->sets, (policy->set_count + 1) * sizeof *sets);
	if (!sets)
		return NONE;
	policy->sets = sets;
	own_name = strdup(name);
	if (!own_name)
		return NONE;
	sets[policy->set_count] = (struct set_params){.name = own_name, .verdict = verdict};
	return (uint16_t)policy->set_count++;
}
