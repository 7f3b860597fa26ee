/* SPDX-License-Identifier: BSD-3-Clause */
/* How a change goes from request to generation. See change.h. */
#include "daemon/change.h"

#include "daemon/clock.h"
#include "daemon/group.h"
#include "daemon/methods.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* After all who may change something, before viewers. */
	READY_PRIORITY = SD_EVENT_PRIORITY_NORMAL + 5,
	PASSED_MOST = 2 * GROUP_MOST, /* requests of any kind that a group waits for to end */
};

/* A transaction is its client's between parts; the draft, or NULL, is the caller's now. */
static struct draft *draft_detach(struct changes *changes, struct client *client)
{
	struct draft *draft = client->draft;

	changes->drafts -= draft != NULL;
	client->draft = NULL;
	return draft;
}

static void draft_attach(struct changes *changes, struct client *client, struct draft *draft)
{
	client->draft = draft;
	changes->drafts++;
}

static void wait_in_line(struct changes *changes, struct client *client, bool alone)
{
	client->alone = alone;
	if (client->queued)
		return;
	TAILQ_INSERT_TAIL(&changes->waiting, client, waiting);
	client->queued = true;
}

static void leave_line(struct changes *changes, struct client *client)
{
	if (!client->queued)
		return;
	TAILQ_REMOVE(&changes->waiting, client, waiting);
	client->queued = false;
}

/* Wake those whose turn it is: all up to the first that wants a generation of its own. */
static void wake_line(struct changes *changes)
{
	struct client *client;

	if (changes->committed)
		return;
	TAILQ_FOREACH(client, &changes->waiting, waiting)
	{
		server_wake(client);
		if (client->alone)
			break;
	}
}

/* Whether somebody before this client wants a generation of its own. */
static bool is_behind_alone(const struct changes *changes, const struct client *client)
{
	const struct client *other;

	TAILQ_FOREACH(other, &changes->waiting, waiting)
	{
		if (other == client || other->alone)
			return other != client;
	}
	return false;
}

void change_forget(struct daemon *daemon, struct client *client)
{
	struct changes *changes = &daemon->changes;

	draft_free(draft_detach(changes, client));
	if (changes->group)
		group_forget(changes->group, client);
	if (client->queued) {
		leave_line(changes, client);
		wake_line(changes);
	}
}

/* What makes two requests the same, but for where and when they came from. */
static uint64_t request_hash(const struct request *request)
{
	char *text = json_dumps(request->params, JSON_COMPACT | JSON_SORT_KEYS);
	uint64_t hash = image_hash(request->method->name, strlen(request->method->name));

	if (text)
		hash = hash * UINT64_C(0x9e3779b97f4a7c15) ^ image_hash(text, strlen(text));
	free(text);
	return hash;
}

static const char *param_text(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->params, name));
}

static bool is_part(const struct request *request)
{
	return json_is_true(json_object_get(request->params, "more"));
}

static bool applies(const struct request *request)
{
	return request->method->changes == CHANGES_ALL;
}

/*
 * Whether a change means the same whatever else its generation brings, and is sure to compile
 * if its handler took it.
 */
static bool shares(const struct client *client, const struct request *request)
{
	return !client->draft && !applies(request) && !is_part(request) &&
	       !json_object_get(request->params, "if_generation") &&
	       !json_object_get(request->params, "request_key");
}

/* The parameters that all changes have. */
static int check_common(const struct daemon *daemon, const struct request *request,
			struct error *error)
{
	const char *key = param_text(request, "request_key");
	const json_t *generation = json_object_get(request->params, "if_generation");
	uint64_t active = daemon->publisher.active.generation;

	if (method_check_reason(request->params, error))
		return -1;
	if (key && (*key == '\0' || strlen(key) > KEY_BYTES))
		return error_set(error, ERROR_INVALID, "request_key", "must be 1 to %d bytes",
				 KEY_BYTES);
	if (key && is_part(request))
		return error_set(error, ERROR_INVALID, "request_key",
				 "belongs to the request that commits");
	if (generation && json_integer_value(generation) != (json_int_t)active)
		return error_set(error, ERROR_CONFLICT, "if_generation", "the generation is %llu",
				 (unsigned long long)active);
	return 0;
}

/* What the client asked before under this request's key, or NULL. */
static const struct key *find_key(const struct daemon *daemon, const struct client *client,
				  const struct request *request)
{
	const char *text = param_text(request, "request_key");

	return text ? keys_find(&daemon->changes.keys, client->peer.uid, text) : NULL;
}

void change_remember(struct daemon *daemon, const struct peer *peer, const struct request *request,
		     json_t *answer)
{
	const char *text = param_text(request, "request_key");

	if (text)
		keys_add(&daemon->changes.keys, peer->uid, text, request_hash(request), answer);
}

/*
 * Whether a request may change a draft: its own, or one that is to begin. That another generation
 * came is for the commit to hear: whoever sends parts without waiting must not have the last ones
 * committed without the first.
 */
static int draft_check(const struct daemon *daemon, const struct draft *draft,
		       const struct request *request, struct error *error)
{
	const struct publisher *publisher = &daemon->publisher;

	if (draft && !is_part(request) && draft->generation != publisher->active.generation)
		return error_set(error, ERROR_CONFLICT, "",
				 "generation %llu came after this transaction began; begin anew",
				 (unsigned long long)publisher->active.generation);
	if (!draft && is_part(request) && daemon->changes.drafts == CHANGE_DRAFTS)
		return error_set(error, ERROR_LOCKED, "more", "%d transactions are open already",
				 CHANGE_DRAFTS);
	if (!draft && !publisher->active.policy && !applies(request))
		return error_set(error, ERROR_DEGRADED, publisher->damage.path,
				 "the policy on disk is damaged (%s): apply a whole one first",
				 publisher->damage.message);
	return 0;
}

static void group_end(void *context, uint32_t workers, const struct error *error)
{
	struct daemon *daemon = context;
	struct changes *changes = &daemon->changes;
	struct group *group = changes->group;

	changes->group = NULL;
	changes->committed = false;
	group_answer(group, daemon, workers, error);
	group_free(group);
	if (!error)
		folding_consider(&daemon->folding, &daemon->publisher.active);
	wake_line(changes);
}

/* Compile a draft of which only entries have changed. */
static int compile_shallow(struct daemon *daemon, const struct draft *draft,
			   struct compiled *compiled, struct error *error)
{
	const struct compiled *previous = &daemon->publisher.active.compiled;
	struct compiled base;
	int result;

	if (!folding_take(&daemon->folding, previous, &base))
		return compile_entries(draft->policy, previous, compiled, error);
	result = compile_entries(draft->policy, &base, compiled, error);
	compiled_unref(&base);
	return result;
}

static int group_compile(struct daemon *daemon, const struct group *group,
			 struct compiled *compiled, struct error *error)
{
	const struct draft *draft = group->draft;

	if (daemon->publisher.active.generation && !draft->reframed)
		return compile_shallow(daemon, draft, compiled, error);
	if (daemon_compile(daemon, draft->policy, draft->applied, compiled, error) == 0)
		return 0;
	if (applies(&group->member[0]->request))
		policy_place(error);
	return -1;
}

/* Make the group a generation. */
static void commit(struct daemon *daemon)
{
	struct changes *changes = &daemon->changes;
	struct draft *draft = changes->group->draft;
	struct compiled compiled = {0};
	struct error error;
	int result;

	sd_event_source_set_enabled(changes->ready, SD_EVENT_OFF);
	changes->committed = true;
	result = group_compile(daemon, changes->group, &compiled, &error);
	if (result == 0) {
		result = publish(&daemon->publisher, draft->policy, &compiled, group_end, daemon,
				 &error);
		draft->policy = NULL;
	}
	if (result != 0)
		group_end(daemon, 0, &error);
}

static int on_ready(sd_event_source *source, void *context)
{
	(void)source;
	commit(context);
	return 0;
}

void change_hurry(struct daemon *daemon, bool reads)
{
	struct changes *changes = &daemon->changes;

	if (changes->group && !changes->committed && (reads || ++changes->passed > PASSED_MOST))
		commit(daemon);
}

int changes_open(sd_event *event, struct daemon *daemon, struct changes *changes)
{
	int result;

	*changes = (struct changes){.drafts = 0};
	TAILQ_INIT(&changes->waiting);
	result = sd_event_add_defer(event, &changes->ready, on_ready, daemon);
	if (result >= 0)
		result = sd_event_source_set_enabled(changes->ready, SD_EVENT_OFF);
	if (result >= 0)
		result = sd_event_source_set_priority(changes->ready, READY_PRIORITY);
	return result < 0 ? result : 0;
}

void changes_close(struct changes *changes)
{
	sd_event_source_disable_unref(changes->ready);
	group_free(changes->group);
	keys_free(&changes->keys);
}

/* A part of a transaction: the draft stays with the client. */
static void stage(struct daemon *daemon, struct client *client, struct draft *draft,
		  const struct request *request)
{
	struct audited audited = {
		.peer = &client->peer,
		.method = request->method->name,
		.params = request->params,
		.staged = ++draft->parts,
	};

	draft_attach(&daemon->changes, client, draft);
	audit_write(&daemon->audit, &audited, clock_utc_ns());
	rpc_answer(client, request, json_pack("{sI}", "staged", draft->parts));
}

/* Refuse a request, after the answers to those that its client sent before it. */
static void refuse(struct daemon *daemon, struct client *client, const struct request *request,
		   const struct error *error)
{
	struct member *member;

	if (client->due == 0) {
		rpc_refuse(daemon, client, request, error);
		return;
	}
	member = member_new(client, request);
	if (!member) {
		client->lost = true;
		return;
	}
	member->error = *error;
	group_add(daemon->changes.group, member);
}

/* The group that is open, or a new one. NULL, with *error: no memory. */
static struct group *group_open(struct daemon *daemon, struct error *error)
{
	struct changes *changes = &daemon->changes;
	struct draft *draft;

	if (changes->group)
		return changes->group;
	draft = draft_new(daemon, error);
	if (draft && !(changes->group = group_new(draft)))
		error_set(error, ERROR_DEGRADED, "", "not enough memory");
	changes->passed = 0;
	return changes->group;
}

/* Have the request change the draft of the group. */
static int join(struct daemon *daemon, struct client *client, const struct request *request,
		struct error *error)
{
	struct group *group = group_open(daemon, error);
	struct member *member = group ? member_new(client, request) : NULL;

	if (!member)
		return error_set(error, ERROR_DEGRADED, "", "not enough memory");
	if (draft_change(daemon, client, group->draft, request, &member->answer, error)) {
		member_free(member);
		return -1;
	}
	group_add(group, member);
	return 0;
}

static void change_shared(struct daemon *daemon, struct client *client,
			  const struct request *request)
{
	struct changes *changes = &daemon->changes;
	struct error error = {0};

	if (check_common(daemon, request, &error) || draft_check(daemon, NULL, request, &error) ||
	    join(daemon, client, request, &error))
		refuse(daemon, client, request, &error);
	if (!changes->group)
		return;
	if (changes->group->count == 0) {
		group_free(changes->group);
		changes->group = NULL;
	} else if (group_is_full(changes->group) ||
		   sd_event_source_set_enabled(changes->ready, SD_EVENT_ONESHOT) < 0) {
		commit(daemon);
	}
}

/* Publish a transaction's draft, or a change's own, which is taken over whatever comes of it. */
static int commit_alone(struct daemon *daemon, struct client *client, struct draft *draft,
			const struct request *request, struct error *error)
{
	struct member *member = member_new(client, request);

	if (member)
		member->answer = json_incref(draft->answer);
	else
		draft_free(draft);
	if (!member || !(daemon->changes.group = group_new(draft))) {
		if (member)
			member_free(member);
		return error_set(error, ERROR_DEGRADED, "", "not enough memory");
	}
	group_add(daemon->changes.group, member);
	commit(daemon);
	return 0;
}

/* Change a draft: 0, or -1 with *error and the draft but for lack of memory as it was. */
static int change_draft(struct daemon *daemon, struct client *client, struct draft *draft,
			const struct request *request, struct error *error)
{
	json_t *answer;

	return draft_change(daemon, client, draft, request, &answer, error) ||
			       draft_answer(draft, answer, error)
		       ? -1
		       : 0;
}

static int change_now(struct daemon *daemon, struct client *client, const struct request *request,
		      struct error *error)
{
	struct draft *draft = draft_detach(&daemon->changes, client);
	bool begun = draft != NULL;

	if (draft_check(daemon, draft, request, error) ||
	    (!draft && !(draft = draft_new(daemon, error)))) {
		draft_free(draft);
	} else if (change_draft(daemon, client, draft, request, error)) {
		/* A part that is refused leaves the others standing. */
		if (begun)
			draft_attach(&daemon->changes, client, draft);
		else
			draft_free(draft);
	} else if (is_part(request)) {
		stage(daemon, client, draft, request);
		return 0;
	} else {
		return commit_alone(daemon, client, draft, request, error);
	}
	return -1;
}

/* One that has a generation of its own. */
static void change_alone(struct daemon *daemon, struct client *client,
			 const struct request *request)
{
	const struct key *key = find_key(daemon, client, request);
	struct error error = {0};

	if (key && key->request == request_hash(request)) {
		rpc_answer(client, request, json_incref(key->answer));
		return;
	}
	if (key)
		error_set(&error, ERROR_CONFLICT, "request_key", "was used for another request");
	if (key || check_common(daemon, request, &error) ||
	    change_now(daemon, client, request, &error))
		rpc_refuse(daemon, client, request, &error);
}

enum taken change_take(struct daemon *daemon, struct client *client, const struct request *request)
{
	struct changes *changes = &daemon->changes;
	struct client *first = TAILQ_FIRST(&changes->waiting);
	bool shared = shares(client, request);

	if (changes->committed || (shared && is_behind_alone(changes, client)) ||
	    (!shared && (changes->group || (first && first != client)))) {
		wait_in_line(changes, client, !shared);
		return TAKEN_LATER;
	}
	leave_line(changes, client);
	if (shared)
		change_shared(daemon, client, request);
	else
		change_alone(daemon, client, request);
	wake_line(changes);
	return TAKEN;
}
