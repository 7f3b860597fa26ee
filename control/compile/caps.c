/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The caps on what a policy lists. The parser refuses a document that is past one, too; this
 * also holds for policies that requests have changed.
 */
#include "compile/segments.h"

struct amount {
	const char *path, *what;
	size_t count, cap;
};

static size_t destinations(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->service_count; i++)
		count += policy->services[i].destinations.count;
	return count;
}

static size_t terms(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->group_count; i++)
		count += policy->groups[i].count;
	return count;
}

int caps_check(const struct policy *policy, struct error *error)
{
	const struct amount amounts[] = {
		{"rules", "rules", policy->rule_count, CAP_RULES},
		{"services", "services", policy->service_count, CAP_SERVICES},
		{"services", "destinations", destinations(policy), CAP_PREFIXES},
		{"fallbacks", "fallbacks", policy->fallback_count, CAP_FALLBACKS},
		{"origins.groups", "groups", policy->group_count, CAP_GROUPS},
		{"origins.groups", "terms", terms(policy), CAP_TERMS},
		{"origins.feeds", "feeds", policy->feed_count, CAP_FEEDS},
		{"sets", "sets", policy->set_count, CAP_SETS},
		{"sets", "entries", policy_entries(policy), CAP_SET_ENTRIES},
		{"guard.sources", "prefixes", policy->guard.sources.count, CAP_PREFIXES},
		{"guard.destinations", "prefixes", policy->guard.destinations.count, CAP_PREFIXES},
	};

	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
		if (amounts[i].count > amounts[i].cap)
			return error_set(error, ERROR_CAPACITY, amounts[i].path,
					 "%zu %s, more than %zu", amounts[i].count, amounts[i].what,
					 amounts[i].cap);
	}
	return 0;
}
