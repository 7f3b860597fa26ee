/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ledger: a file that says what the sets of the document hold. It is a list of batches, the
 * first with all entries of its day, each later one with what a change made different, so that
 * a change of one entry among millions writes one. A manifest says how much of the file
 * counts; what is behind that is of a change that came to nothing, and will be overwritten.
 */
#pragma once

#include "policy/policy.h"

/* Where a ledger's file is in `folder`, the segments' one: for opening and for collecting. */
enum { LEDGER_FILE_NAME = 32 };
void ledger_file(char name[LEDGER_FILE_NAME], uint64_t ledger);

/*
 * Write what the sets of `after` hold. Where `before`, whose ledger is *at, is given, only what
 * differs is written, to the same file unless that has grown out of proportion. Sets that hold
 * nothing have no ledger: all of *now is zero. 0 and *now, or -errno with *at good as ever.
 */
int ledger_write(int folder, const struct policy *before, const struct manifest_ledger *at,
		 const struct policy *after, struct manifest_ledger *now);

/*
 * Fill the sets of `policy`, which are empty, with what the ledger says. 0, or -errno with *why;
 * the policy may be half filled then.
 */
int ledger_read(int folder, const struct manifest_ledger *ledger, struct policy *policy,
		const char **why);
