/* SPDX-License-Identifier: BSD-3-Clause */
/* How a change goes from request to generation. See change.h. */
#include "daemon/change.h"

#include "daemon/clock.h"
#include "daemon/methods.h"

#include "policy/text.h"

#include <stdlib.h>
#include <string.h>

/* A change that is being published. */
struct commit {
	struct daemon *daemon;
	struct client *client; /* NULL: gone before its answer */
	struct peer peer;
	struct request request;
	json_t *answer; /* as far as it is known already */
};

static void draft_free(struct draft *draft)
{
	if (!draft)
		return;
	policy_free(draft->policy);
	json_decref(draft->answer);
	free(draft);
}

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

/* A commit of `draft` for `client`, with references of its own. NULL: no memory. */
static struct commit *commit_new(struct daemon *daemon, struct client *client,
				 const struct draft *draft, const struct request *request)
{
	struct commit *commit = malloc(sizeof *commit);

	if (!commit)
		return NULL;
	*commit = (struct commit){
		.daemon = daemon,
		.client = client,
		.peer = client->peer,
		.request = *request,
		.answer = json_incref(draft->answer),
	};
	json_incref(request->id);
	json_incref(request->params);
	return commit;
}

static void commit_free(struct commit *commit)
{
	if (!commit)
		return;
	json_decref(commit->request.id);
	json_decref(commit->request.params);
	json_decref(commit->answer);
	free(commit);
}

void changes_open(struct changes *changes)
{
	*changes = (struct changes){.drafts = 0};
	TAILQ_INIT(&changes->waiting);
}

void changes_close(struct changes *changes)
{
	commit_free(changes->commit);
	keys_free(&changes->keys);
}

static void wait_in_line(struct changes *changes, struct client *client)
{
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

static void wake_first(struct changes *changes)
{
	struct client *first = TAILQ_FIRST(&changes->waiting);

	if (first && !changes->commit)
		server_wake(first);
}

void change_forget(struct daemon *daemon, struct client *client)
{
	struct changes *changes = &daemon->changes;

	draft_free(draft_detach(changes, client));
	if (changes->commit && changes->commit->client == client)
		changes->commit->client = NULL;
	if (client->queued) {
		leave_line(changes, client);
		wake_first(changes);
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

/* The parameters that all changes have. */
static int check_common(const struct daemon *daemon, const struct request *request,
			struct error *error)
{
	const char *reason = param_text(request, "reason"),
		   *key = param_text(request, "request_key");
	const json_t *generation = json_object_get(request->params, "if_generation");
	uint64_t active = daemon->publisher.active.generation;

	if (reason && !text_is_reason(reason))
		return error_set(error, ERROR_INVALID, "reason", "must be 1 to %d printable bytes",
				 TEXT_REASON);
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

static struct draft *draft_new(const struct daemon *daemon, struct error *error)
{
	const struct edition *active = &daemon->publisher.active;
	struct draft *draft = calloc(1, sizeof *draft);

	if (draft) {
		draft->generation = active->generation;
		draft->answer = json_object();
		/* Of a damaged state nothing is left to change: only a whole policy will do. */
		draft->policy = active->policy ? policy_copy(active->policy) : policy_empty();
	}
	if (!draft || !draft->answer || !draft->policy) {
		draft_free(draft);
		error_set(error, ERROR_DEGRADED, "", "not enough memory");
		return NULL;
	}
	return draft;
}

static int draft_check(const struct daemon *daemon, const struct draft *draft,
		       const struct request *request, struct error *error)
{
	const struct publisher *publisher = &daemon->publisher;

	if (draft && draft->generation != publisher->active.generation)
		return error_set(error, ERROR_CONFLICT, "",
				 "generation %llu came after this transaction began; begin anew",
				 (unsigned long long)publisher->active.generation);
	if (!draft && is_part(request) && daemon->changes.drafts == CHANGE_DRAFTS)
		return error_set(error, ERROR_LOCKED, "more", "%d transactions are open already",
				 CHANGE_DRAFTS);
	if (!draft && !publisher->active.policy && request->method->handler != policy_apply_method)
		return error_set(error, ERROR_DEGRADED, publisher->damage.path,
				 "the policy on disk is damaged (%s): apply a whole one first",
				 publisher->damage.message);
	return 0;
}

/* Changed entries add up; what else parts answer, the last says. */
static int answer_merge(json_t *all, json_t *part)
{
	const char *key = "changed";
	json_int_t before = json_integer_value(json_object_get(all, key));
	json_t *changed = json_object_get(part, key);

	if (changed && json_integer_set(changed, before + json_integer_value(changed)))
		return -1;
	return json_object_update(all, part);
}

static bool applies(const struct request *request)
{
	return request->method->handler == policy_apply_method;
}

/* Have the request's handler change the draft. */
static int draft_change(struct daemon *daemon, const struct client *client, struct draft *draft,
			const struct request *request, struct error *error)
{
	struct call call = {
		.daemon = daemon,
		.peer = &client->peer,
		.params = request->params,
		.now_ns = clock_utc_ns(),
		.draft = &draft->policy,
		.answer = json_object(),
		.error = error,
	};
	int result = call.answer ? request->method->handler(&call) : call_no_memory(&call);

	if (result == 0 && answer_merge(draft->answer, call.answer))
		result = call_no_memory(&call);
	json_decref(call.answer);
	draft->applied |= result == 0 && applies(request);
	return result;
}

/* What a change that was made is answered with. */
static void answer_complete(struct commit *commit, uint32_t workers)
{
	json_int_t generation = (json_int_t)commit->daemon->publisher.active.generation;
	json_int_t took_us = (json_int_t)(clock_us() - commit->request.received_us);

	json_object_set_new(commit->answer, "generation", json_integer(generation));
	json_object_set_new(commit->answer, "workers", json_integer(workers));
	json_object_set_new(commit->answer, "took_us", json_integer(took_us));
}

static void change_made(struct commit *commit, struct client *client)
{
	struct daemon *daemon = commit->daemon;
	const struct request *request = &commit->request;
	const char *key = param_text(request, "request_key");
	struct audited audited = {
		.peer = &commit->peer,
		.method = request->method->name,
		.params = request->params,
		.generation = daemon->publisher.active.generation,
	};

	if (key)
		keys_add(&daemon->changes.keys, commit->peer.uid, key, request_hash(request),
			 commit->answer);
	audit_write(&daemon->audit, &audited, clock_utc_ns());
	rpc_answer(client, request, json_incref(commit->answer));
}

static void change_done(void *context, uint32_t workers, const struct error *error)
{
	struct commit *commit = context;
	struct daemon *daemon = commit->daemon;
	/* Stands in for one that is gone: it hears nothing. */
	struct client absent = {.peer = commit->peer, .lost = true};
	struct client *client = commit->client ? commit->client : &absent;

	daemon->changes.commit = NULL;
	if (error) {
		rpc_refuse(daemon, client, &commit->request, error);
	} else {
		answer_complete(commit, workers);
		change_made(commit, client);
	}
	if (commit->client)
		server_wake(commit->client);
	commit_free(commit);
	wake_first(&daemon->changes);
}

static int draft_compile(struct daemon *daemon, const struct draft *draft,
			 const struct request *request, struct compiled *compiled,
			 struct error *error)
{
	if (daemon_compile(daemon, draft->policy, draft->applied, compiled, error) == 0)
		return 0;
	if (applies(request))
		policy_place(error);
	return -1;
}

/* Publish the draft, which is taken over whatever comes of it. */
static int draft_commit(struct daemon *daemon, struct client *client, struct draft *draft,
			const struct request *request, struct error *error)
{
	struct commit *commit = commit_new(daemon, client, draft, request);
	struct compiled compiled = {0};
	int result = -1;

	if (!commit)
		error_set(error, ERROR_DEGRADED, "", "not enough memory");
	else
		result = draft_compile(daemon, draft, request, &compiled, error);
	if (result == 0) {
		result = publish(&daemon->publisher, draft->policy, &compiled, change_done, commit,
				 error);
		draft->policy = NULL;
	}
	if (result == 0)
		daemon->changes.commit = commit;
	else
		commit_free(commit);
	draft_free(draft);
	return result;
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

static enum taken change_now(struct daemon *daemon, struct client *client,
			     const struct request *request)
{
	struct draft *draft = draft_detach(&daemon->changes, client);
	bool begun = draft != NULL;
	struct error error = {0};

	if (draft_check(daemon, draft, request, &error) ||
	    (!draft && !(draft = draft_new(daemon, &error)))) {
		draft_free(draft);
	} else if (draft_change(daemon, client, draft, request, &error)) {
		/* A part that is refused leaves the others standing. */
		if (begun)
			draft_attach(&daemon->changes, client, draft);
		else
			draft_free(draft);
	} else if (is_part(request)) {
		stage(daemon, client, draft, request);
		return TAKEN;
	} else if (draft_commit(daemon, client, draft, request, &error) == 0) {
		return TAKEN_HELD;
	}
	rpc_refuse(daemon, client, request, &error);
	return TAKEN;
}

enum taken change_take(struct daemon *daemon, struct client *client, const struct request *request)
{
	struct changes *changes = &daemon->changes;
	struct client *first = TAILQ_FIRST(&changes->waiting);
	enum taken taken = TAKEN;
	struct error error = {0};
	const struct key *key;

	if (changes->commit || (first && first != client)) {
		wait_in_line(changes, client);
		return TAKEN_LATER;
	}
	leave_line(changes, client);
	key = find_key(daemon, client, request);
	if (key && key->request == request_hash(request)) {
		rpc_answer(client, request, json_incref(key->answer));
	} else if (key) {
		error_set(&error, ERROR_CONFLICT, "request_key", "was used for another request");
		rpc_refuse(daemon, client, request, &error);
	} else if (check_common(daemon, request, &error)) {
		rpc_refuse(daemon, client, request, &error);
	} else {
		taken = change_now(daemon, client, request);
	}
	wake_first(changes);
	return taken;
}
