/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy's copy, deep but for the sets' entries. Running out of memory is noted and the rest
 * copied all the same: an array that could not be had has no elements, and what is there can be
 * freed.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed |= text && !copy;
	return copy;
}

/* A copy of `count` elements, whose own pointers are still the original's. */
static void *copy_array(const void *from, size_t *count, size_t size, bool *failed)
{
	void *copy = *count ? malloc(*count * size) : NULL;

	if (copy)
		return memcpy(copy, from, *count * size);
	*failed |= *count > 0;
	*count = 0;
	return NULL;
}

static void copy_prefixes(struct prefix_list *list, bool *failed)
{
	list->prefixes = copy_array(list->prefixes, &list->count, sizeof *list->prefixes, failed);
}

static void copy_guard(struct guard_params *guard, bool *failed)
{
	copy_prefixes(&guard->sources, failed);
	copy_prefixes(&guard->destinations, failed);
	guard->ports = copy_array(guard->ports, &guard->port_count, sizeof *guard->ports, failed);
}

static void copy_sets(struct policy *copy, bool *failed)
{
	copy->sets = copy_array(copy->sets, &copy->set_count, sizeof *copy->sets, failed);
	for (size_t i = 0; i < copy->set_count; i++) {
		struct set_params *set = &copy->sets[i];

		set->name = copy_text(set->name, failed);
		set->entries = entries_copy(&set->entries);
	}
}

static void copy_origins(struct policy *copy, bool *failed)
{
	copy->feeds = copy_array(copy->feeds, &copy->feed_count, sizeof *copy->feeds, failed);
	for (size_t i = 0; i < copy->feed_count; i++)
		copy->feeds[i].file = copy_text(copy->feeds[i].file, failed);
	copy->groups = copy_array(copy->groups, &copy->group_count, sizeof *copy->groups, failed);
	for (size_t i = 0; i < copy->group_count; i++) {
		struct group_params *group = &copy->groups[i];

		group->name = copy_text(group->name, failed);
		group->terms =
			copy_array(group->terms, &group->count, sizeof *group->terms, failed);
	}
}

static void copy_services(struct policy *copy, bool *failed)
{
	copy->services =
		copy_array(copy->services, &copy->service_count, sizeof *copy->services, failed);
	for (size_t i = 0; i < copy->service_count; i++) {
		struct service_params *service = &copy->services[i];

		service->name = copy_text(service->name, failed);
		copy_prefixes(&service->destinations, failed);
		service->ports = copy_array(service->ports, &service->port_count,
					    sizeof *service->ports, failed);
	}
	copy->fallbacks =
		copy_array(copy->fallbacks, &copy->fallback_count, sizeof *copy->fallbacks, failed);
	for (size_t i = 0; i < copy->fallback_count; i++)
		copy->fallbacks[i].name = copy_text(copy->fallbacks[i].name, failed);
}

static void copy_rules(struct policy *copy, bool *failed)
{
	copy->rules = copy_array(copy->rules, &copy->rule_count, sizeof *copy->rules, failed);
	for (size_t i = 0; i < copy->rule_count; i++)
		copy->rules[i].name = copy_text(copy->rules[i].name, failed);
}

struct policy *policy_copy(const struct policy *policy)
{
	struct policy *copy = malloc(sizeof *copy);
	bool failed = false;

	if (!copy)
		return NULL;
	*copy = *policy;
	copy->name = copy_text(policy->name, &failed);
	copy_guard(&copy->guard, &failed);
	copy_sets(copy, &failed);
	copy_origins(copy, &failed);
	copy_services(copy, &failed);
	copy_rules(copy, &failed);
	if (!failed)
		return copy;
	policy_free(copy);
	return NULL;
}
