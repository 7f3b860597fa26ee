/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy being changed: by the parts of a client's transaction, or by a group of changes. */
#pragma once

#include "daemon/rpc.h"

#include "policy/policy.h"

struct draft {
	struct policy *policy;
	uint64_t generation; /* that it began from: a commit must not undo what came since */
	json_int_t parts;
	bool applied;   /* a part of it is a whole policy, for which feeds are looked at anew */
	bool reframed;  /* more has changed since than what its sets hold */
	json_t *answer; /* what a transaction's parts add to the commit's */
};

/* Begin from the active policy. NULL, with *error: no memory. */
struct draft *draft_new(const struct daemon *daemon, struct error *error);
void draft_free(struct draft *draft); /* NULL is fine */

/*
 * Have the request's handler change the draft. 0 and *answer, a new object; or -1 with *error
 * and the draft as it was.
 */
int draft_change(struct daemon *daemon, const struct client *client, struct draft *draft,
		 const struct request *request, json_t **answer, struct error *error);

/* Add a part's answer, which is taken over, to those of the transaction before it. 0 or -1. */
int draft_answer(struct draft *draft, json_t *answer, struct error *error);
