/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that never decide, because an earlier one always does. */
#include "compile/segments.h"

#include <stdio.h>

/*
 * Whether every origin that `rule` is about, of which there is one, is one of `earlier`'s.
 * *word is where to look first, and then where the answer was found: what keeps a rule from
 * being covered by one of the earlier ones mostly keeps it from the next as well.
 */
static bool origins_covered(const struct membership *membership, const struct rule_params *rule,
			    const struct rule_params *earlier, uint32_t *word)
{
	uint32_t at = *word;
	uint64_t any = 0;

	for (uint32_t looked = 0; looked < membership->words; looked++) {
		uint64_t bits = membership_word(membership, rule, at);

		if (bits & ~membership_word(membership, earlier, at)) {
			*word = at;
			return false;
		}
		any |= bits;
		at = at + 1 < membership->words ? at + 1 : 0;
	}
	return any != 0;
}

/* The first of the rules before `rule` that takes all its packets; rule itself: none. */
static size_t covering(const struct policy *policy, const struct membership *membership,
		       size_t rule)
{
	const struct rule_params *rules = policy->rules;
	uint32_t word = 0;
	size_t i = 0;

	while (i < rule &&
	       !((rules[i].service == NONE || rules[i].service == rules[rule].service) &&
		 origins_covered(membership, &rules[rule], &rules[i], &word)))
		i++;
	return i;
}

int cover_check(const struct policy *policy, const struct membership *membership,
		struct error *error)
{
	for (size_t i = 1; i < policy->rule_count; i++) {
		size_t earlier = covering(policy, membership, i);
		char path[32];

		if (earlier == i)
			continue;
		snprintf(path, sizeof path, "rules[%zu]", i);
		return error_set(error, ERROR_INVALID, path,
				 "\"%s\" never decides: \"%s\" takes all its packets",
				 policy->rules[i].name, policy->rules[earlier].name);
	}
	return 0;
}
