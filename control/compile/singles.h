/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layers of single addresses: SEGMENT_SINGLES with all of them, and over it SEGMENT_LATER
 * and SEGMENT_LATEST with what has changed since it was built, so that a change costs what
 * the smallest layer does. A layer that grows too large goes into the next.
 */
#pragma once

#include "compile/compile.h"

enum {
	LATEST_MOST = 512, /* a few pages to write, hash and check with every change */
	LATER_FOLD = 64 * 1024, /* it should be folded into SEGMENT_SINGLES: see fold.h */
	LATER_MOST = 8 * LATER_FOLD,
};

/* All single addresses of the policy, and nothing later. 0, or -1 with *error. */
int singles_compile(const struct policy *policy, struct segment *segment[SEGMENT_KINDS],
		    struct error *error);

/*
 * The layers of `policy` after `count` single addresses have changed since `previous`, or after
 * more than LATER_MOST have. 0, or -1 with *error.
 */
int singles_update(const struct policy *policy, const struct prefix *changed, size_t count,
		   struct segment *const previous[SEGMENT_KINDS],
		   struct segment *segment[SEGMENT_KINDS], struct error *error);
