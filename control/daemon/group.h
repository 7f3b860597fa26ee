/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes that become one generation: what arrives while one is being published is the next.
 * Each has an answer or a refusal of its own, and a line in the audit log.
 */
#pragma once

#include "daemon/draft.h"

/* Requests stay in memory, several times their size, until they are answered. */
enum { GROUP_MOST = 512, GROUP_BYTES = 1024 * 1024 };

/* One request of a group. */
struct member {
	struct client *client; /* NULL: gone before its answer */
	struct peer peer;
	struct request request; /* with references of its own */
	json_t *answer;         /* of its handler; NULL: it is refused */
	struct error error;     /* why */
};

struct group {
	struct draft *draft; /* that all its members changed */
	size_t bytes;        /* of its members' lines */
	size_t count;
	struct member *member[GROUP_MOST];
};

/* A group of none; takes over the draft. NULL: no memory, and the draft is gone. */
struct group *group_new(struct draft *draft);
void group_free(struct group *group); /* NULL is fine */

/* NULL: no memory. It belongs to no group yet. */
struct member *member_new(struct client *client, const struct request *request);
void member_free(struct member *member);

/* Take a member over. The group is not full; the client has one answer more due. */
void group_add(struct group *group, struct member *member);

bool group_is_full(const struct group *group);

/*
 * Answer all members, in their order: it is active now, or for *error it is not. Those who were
 * refused hear why either way.
 */
void group_answer(struct group *group, struct daemon *daemon, uint32_t workers,
		  const struct error *error);

/* A client is gone; what it changed goes on. */
void group_forget(struct group *group, const struct client *client);
