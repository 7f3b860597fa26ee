/* SPDX-License-Identifier: BSD-3-Clause */
/* See group.h. */
#include "daemon/group.h"

#include "daemon/clock.h"
#include "daemon/methods.h"

#include <stdlib.h>

struct group *group_new(struct draft *draft)
{
	struct group *group = malloc(sizeof *group);

	if (!group) {
		draft_free(draft);
		return NULL;
	}
	group->draft = draft;
	group->bytes = group->count = 0;
	return group;
}

void group_free(struct group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->count; i++)
		member_free(group->member[i]);
	draft_free(group->draft);
	free(group);
}

struct member *member_new(struct client *client, const struct request *request)
{
	struct member *member = malloc(sizeof *member);

	if (!member)
		return NULL;
	member->client = client;
	member->peer = client->peer;
	member->request = *request;
	member->answer = NULL;
	json_incref(request->id);
	json_incref(request->params);
	return member;
}

void member_free(struct member *member)
{
	json_decref(member->request.id);
	json_decref(member->request.params);
	json_decref(member->answer);
	free(member);
}

void group_add(struct group *group, struct member *member)
{
	group->member[group->count++] = member;
	group->bytes += member->request.size;
	member->client->due++;
}

bool group_is_full(const struct group *group)
{
	return group->count == GROUP_MOST || group->bytes >= GROUP_BYTES;
}

/* What a change that was made is answered with. */
static void answer_complete(struct member *member, const struct daemon *daemon, uint32_t workers)
{
	json_int_t generation = (json_int_t)daemon->publisher.active.generation;
	json_int_t took_us = (json_int_t)(clock_us() - member->request.received_us);

	json_object_set_new(member->answer, "generation", json_integer(generation));
	json_object_set_new(member->answer, "workers", json_integer(workers));
	if (twinning_enforces(&daemon->twinning))
		json_object_set_new(member->answer, "twin", json_true());
	json_object_set_new(member->answer, "took_us", json_integer(took_us));
}

static void member_audit(const struct member *member, struct daemon *daemon,
			 const struct error *error)
{
	struct audited audited = {
		.peer = &member->peer,
		.method = member->request.method->name,
		.params = member->request.params,
		.generation = daemon->publisher.active.generation,
		.error = error,
	};

	audit_add(&daemon->audit, &audited, clock_utc_ns());
}

static void member_answer(struct member *member, struct daemon *daemon, const struct error *error)
{
	struct client *client = member->client;

	if (!client)
		return;
	if (error)
		rpc_error(daemon, client, &member->request, error);
	else
		rpc_answer(client, &member->request, json_incref(member->answer));
	client->due--;
}

static const struct error *error_of(const struct member *member, const struct error *all)
{
	return member->answer ? all : &member->error;
}

void group_answer(struct group *group, struct daemon *daemon, uint32_t workers,
		  const struct error *error)
{
	for (size_t i = 0; i < group->count; i++) {
		struct member *member = group->member[i];

		if (member->answer)
			answer_complete(member, daemon, workers);
		if (!error_of(member, error))
			change_remember(daemon, &member->peer, &member->request, member->answer);
		member_audit(member, daemon, error_of(member, error));
	}
	audit_flush(&daemon->audit);
	for (size_t i = 0; i < group->count; i++)
		member_answer(group->member[i], daemon, error_of(group->member[i], error));
	for (size_t i = 0; i < group->count; i++) {
		if (group->member[i]->client)
			server_wake(group->member[i]->client);
	}
}

void group_forget(struct group *group, const struct client *client)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->member[i]->client == client)
			group->member[i]->client = NULL;
	}
}
