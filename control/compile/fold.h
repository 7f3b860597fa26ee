/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Folding: SEGMENT_SINGLES built anew from all entries, which takes seconds where there are
 * millions, beside changes that go on. What is folded is the policy as it was at the beginning;
 * what has changed since then is small again, and goes into the layers over it.
 */
#pragma once

#include "compile/compile.h"

struct fold;

/* Whether the layers over SEGMENT_SINGLES have grown enough. Counts them: not for every change. */
bool fold_is_due(const struct compiled *compiled);

/* Begin from a policy and what it was compiled to. NULL: no memory. */
struct fold *fold_new(const struct policy *policy, const struct compiled *compiled);
void fold_free(struct fold *fold); /* NULL is fine */

/* Build it, on any thread: it reads what nobody else writes. 0 or -ENOMEM. */
int fold_run(struct fold *fold);

/* The segment that was built. */
const struct segment *fold_segment(const struct fold *fold);

/*
 * What a compilation may build upon instead of `previous`, for compiled_unref(). False: that has
 * come so far from the fold that it would not help.
 */
bool fold_base(const struct fold *fold, const struct compiled *previous, struct compiled *base);
