/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sets that were compiled, kept beside what they were compiled to: sharing their entries
 * costs nothing, and comparing with them tells what a new compilation must do.
 */
#pragma once

#include "compile/compile.h"

struct kept;

/* The sets of a policy. NULL: no memory. */
struct kept *kept_new(const struct policy *policy);
void kept_free(struct kept *kept); /* NULL is fine */

/* What differs from the sets of a policy. */
struct kept_changes {
	bool many;              /* too much to list */
	bool wide;              /* prefixes differ */
	struct prefix *singles; /* single addresses whose entries differ, perhaps repeated */
	size_t count, capacity;
	uint64_t expired_ns; /* the policy's */
};

/* 0, or -ENOMEM; for kept_changes_free(). `kept` NULL: everything differs. */
int kept_compare(const struct kept *kept, const struct policy *policy,
		 struct kept_changes *changes);
void kept_changes_free(struct kept_changes *changes);
