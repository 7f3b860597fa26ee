/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing sets with what was compiled. See kept.h. */
#include "compile/kept.h"

#include "compile/singles.h"
#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>

struct kept_set {
	uint8_t verdict;
	struct entries entries;
};

struct kept {
	size_t count;
	struct kept_set set[];
};

struct kept *kept_new(const struct policy *policy)
{
	struct kept *kept = malloc(sizeof *kept + policy->set_count * sizeof kept->set[0]);

	if (!kept)
		return NULL;
	kept->count = policy->set_count;
	for (size_t i = 0; i < kept->count; i++)
		kept->set[i] = (struct kept_set){policy->sets[i].verdict,
						 entries_copy(&policy->sets[i].entries)};
	return kept;
}

void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	for (size_t i = 0; i < kept->count; i++)
		entries_free(&kept->set[i].entries);
	free(kept);
}

/* Note a difference. -E2BIG: it is one too many to be listed. */
static int note(void *context, const struct entry_params *before, const struct entry_params *after)
{
	struct kept_changes *changes = context;
	const struct prefix *prefix = before ? &before->prefix : &after->prefix;
	struct prefix *singles;

	if (before && after && before->expires_ns == after->expires_ns)
		return 0;
	/* One that expired says nothing, whether it is there or not. */
	if (!after && before->expires_ns != 0 && before->expires_ns <= changes->expired_ns)
		return 0;
	if (prefix_wide(prefix)) {
		changes->wide = true;
		return 0;
	}
	if (changes->count == LATER_MOST)
		return -E2BIG;
	singles = grow(changes->singles, &changes->capacity, changes->count + 1, sizeof *singles);
	if (!singles)
		return -ENOMEM;
	changes->singles = singles;
	changes->singles[changes->count++] = *prefix;
	return 0;
}

int kept_compare(const struct kept *kept, const struct policy *policy, struct kept_changes *changes)
{
	static const struct entries none;
	size_t former = kept ? kept->count : 0;
	int result = kept ? 0 : -E2BIG;

	*changes = (struct kept_changes){.expired_ns = policy->expired_ns};
	for (size_t i = 0; result == 0 && (i < former || i < policy->set_count); i++) {
		bool was = i < former, is = i < policy->set_count;

		if (was && is && kept->set[i].verdict != policy->sets[i].verdict)
			result = -E2BIG;
		else
			result = entries_compare(was ? &kept->set[i].entries : &none,
						 is ? &policy->sets[i].entries : &none, note,
						 changes);
	}
	changes->many = result == -E2BIG;
	return result == -ENOMEM ? result : 0;
}

void kept_changes_free(struct kept_changes *changes)
{
	free(changes->singles);
}
