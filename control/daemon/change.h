/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes: in the order they came, each whole or not at all. One whose meaning does not depend
 * on its generation's number shares it with those that wait beside it. A transaction is a draft
 * that its client's requests change until one commits it.
 */
#pragma once

#include "daemon/keys.h"
#include "daemon/rpc.h"
#include "daemon/server.h"

#include <systemd/sd-event.h>

struct daemon;
struct group;
struct draft;

enum { CHANGE_DRAFTS = 8 }; /* each is a copy of the policy with all its sets */

struct changes {
	struct keys keys;
	struct clients waiting; /* for a turn; the first one's is next */
	struct group *group;    /* that will be the next generation, or NULL */
	bool committed;         /* it is under way: nobody joins it any more */
	unsigned passed;        /* requests that were taken while it waited for more */
	sd_event_source *ready; /* commits the group once nobody else is there to join it */
	unsigned drafts;
};

/* 0, or -errno. */
int changes_open(sd_event *event, struct daemon *daemon, struct changes *changes);
void changes_close(struct changes *changes);

/* Take a request for a change whose role and parameters were found good. */
enum taken change_take(struct daemon *daemon, struct client *client, const struct request *request);

/* A change was made: what its key, if it has one, is to be answered with from now on. */
void change_remember(struct daemon *daemon, const struct peer *peer, const struct request *request,
		     json_t *answer);

/*
 * Another request was taken: a group does not wait for ever for them to end, and for one that only
 * `reads`, which may take long, not at all.
 */
void change_hurry(struct daemon *daemon, bool reads);

/* A client is gone, and its draft with it; what it committed goes on. */
void change_forget(struct daemon *daemon, struct client *client);
