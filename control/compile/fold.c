/* SPDX-License-Identifier: BSD-3-Clause */
/* See fold.h. */
#include "compile/fold.h"

#include "compile/kept.h"
#include "compile/layer.h"
#include "compile/singles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fold {
	struct policy *policy; /* as it was */
	struct segment *segment[SEGMENT_KINDS]; /* of sets and single addresses; the rest NULL */
};

bool fold_is_due(const struct compiled *compiled)
{
	size_t count4, count6;

	layer_count(compiled->segment[SEGMENT_LATER], &count4, &count6);
	return count4 + count6 > LATER_FOLD;
}

struct fold *fold_new(const struct policy *policy, const struct compiled *compiled)
{
	struct fold *fold = calloc(1, sizeof *fold);

	if (!fold)
		return NULL;
	fold->policy = policy_copy(policy);
	fold->segment[SEGMENT_SETS] = segment_ref(compiled->segment[SEGMENT_SETS]);
	if (!fold->policy) {
		fold_free(fold);
		return NULL;
	}
	return fold;
}

void fold_free(struct fold *fold)
{
	if (!fold)
		return;
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segment_unref(fold->segment[kind]);
	policy_free(fold->policy);
	free(fold);
}

int fold_run(struct fold *fold)
{
	struct error ignored;

	return singles_compile(fold->policy, fold->segment, &ignored) == 0 ? 0 : -ENOMEM;
}

const struct segment *fold_segment(const struct fold *fold)
{
	return fold->segment[SEGMENT_SINGLES];
}

bool fold_base(const struct fold *fold, const struct compiled *previous, struct compiled *base)
{
	if (memcmp(compiled_salt(previous), fold->policy->salt, sizeof fold->policy->salt) != 0)
		return false;
	*base = compiled_frame(previous);
	base->kept = kept_new(fold->policy);
	for (unsigned kind = SEGMENT_SETS; kind <= SEGMENT_LATEST; kind++)
		base->segment[kind] = segment_ref(fold->segment[kind]);
	return true;
}
