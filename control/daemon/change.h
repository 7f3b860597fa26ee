/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes: one at a time, in the order they came, each whole or not at all. A transaction
 * is a draft that its client's requests change until one commits it.
 */
#pragma once

#include "daemon/keys.h"
#include "daemon/rpc.h"
#include "daemon/server.h"

struct daemon;
struct policy;

/* A transaction that has begun and is not committed. */
struct draft {
	struct policy *policy;
	uint64_t generation; /* that it began from: a commit must not undo what came since */
	json_int_t parts;
	bool applied; /* a part of it is a whole policy, for which feeds are looked at anew */
	json_t *answer; /* what its parts add to the commit's */
};

enum { CHANGE_DRAFTS = 8 }; /* each is a copy of the policy with all its sets */

struct changes {
	struct keys keys;
	struct clients waiting; /* for the change under way to end; the first one's turn is next */
	struct commit *commit;  /* the change under way, or NULL */
	unsigned drafts;
};

void changes_open(struct changes *changes);
void changes_close(struct changes *changes);

/* Take a request for a change whose role and parameters were found good. */
enum taken change_take(struct daemon *daemon, struct client *client, const struct request *request);

/* A client is gone, and its draft with it; what it committed goes on. */
void change_forget(struct daemon *daemon, struct client *client);
