/* SPDX-License-Identifier: BSD-3-Clause */
/* policy.get, policy.check and policy.apply. */
#include "daemon/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The set of what operators block by hand: leaving it out of a document does not undo it. */
#define KEPT_SET "blocked"

void policy_place(struct error *error)
{
	static const char *const sections[] = {
		"schema", "name",    "salt",     "malformed", "link",  "default", "guard",
		"sets",   "origins", "services", "fallbacks", "rules", "host",
	};
	size_t length = strcspn(error->path, ".[");
	char path[sizeof error->path];

	/* Those are of files. */
	if (error->code == ERROR_DEGRADED)
		return;
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (strlen(sections[i]) == length &&
		    memcmp(error->path, sections[i], length) == 0) {
			memcpy(path, error->path, sizeof path);
			snprintf(error->path, sizeof error->path, "policy.%.*s",
				 (int)(sizeof path - sizeof "policy."), path);
			return;
		}
	}
}

/* Everything that the parser finds is in the document. */
static int parse_error(struct call *call, const struct error *error)
{
	const char *dot = *error->path == '\0' || *error->path == '[' ? "" : ".";
	char path[sizeof error->path + sizeof "policy."];

	snprintf(path, sizeof path, "policy%s%s", dot, error->path);
	return error_set(call->error, error->code, path, "%s", error->message);
}

static int policy_read(struct call *call, struct policy **policy)
{
	char *text = json_dumps(json_object_get(call->params, "policy"), JSON_COMPACT);
	struct error error;
	int result;

	if (!text)
		return call_no_memory(call);
	result = policy_parse(text, strlen(text), call->now_ns, policy, &error);
	free(text);
	return result ? parse_error(call, &error) : 0;
}

int policy_get_method(struct call *call)
{
	const struct edition *active = &call->daemon->publisher.active;
	bool with_salt = call->peer->role == ROLE_ADMIN;

	if (call_check_policy(call) ||
	    call_add(call, "generation", json_integer((json_int_t)active->generation)))
		return -1;
	return call_add(call, "policy", policy_print(active->policy, with_salt));
}

static uint64_t origin_count(const struct compiled *compiled)
{
	const struct segment_header *header = compiled->segment[SEGMENT_ORIGINS]->data;

	return header->array[ORIGINS_ORIGINS].count;
}

static json_t *sizes(const struct policy *policy, const struct compiled *compiled)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < SEGMENT_KINDS; i++)
		bytes += compiled->segment[i]->size;
	return json_pack("{sI, sI, sI, sI, sI, sI}", "rules", (json_int_t)policy->rule_count,
			 "services", (json_int_t)policy->service_count, "sets",
			 (json_int_t)policy->set_count, "entries",
			 (json_int_t)policy_entries(policy), "origins",
			 (json_int_t)origin_count(compiled), "bytes", (json_int_t)bytes);
}

int policy_check_method(struct call *call)
{
	struct compiled compiled = {0};
	struct policy *policy;
	json_t *answer = NULL;
	int result;

	if (policy_read(call, &policy))
		return -1;
	result = daemon_compile(call->daemon, policy, true, &compiled, call->error);
	if (result == 0)
		answer = sizes(policy, &compiled);
	if (result)
		policy_place(call->error);
	else if (!answer || json_object_update(call->answer, answer))
		result = call_no_memory(call);
	json_decref(answer);
	compiled_unref(&compiled);
	policy_free(policy);
	return result;
}

/* Take over the kept set from the policy that goes, unless the new one has its own. */
static int keep_blocked(struct call *call, const struct policy *old, struct policy *new)
{
	uint16_t from = policy_set(old, KEPT_SET), to;
	struct set_params *set;

	if (from == NONE || old->sets[from].entries.sum.count == 0 ||
	    policy_set(new, KEPT_SET) != NONE)
		return 0;
	to = policy_add_set(new, KEPT_SET, old->sets[from].verdict);
	if (to == NONE)
		return error_set(call->error, ERROR_CAPACITY, "policy.sets",
				 "no room to keep the set " KEPT_SET);
	set = &new->sets[to];
	set->entries = entries_copy(&old->sets[from].entries);
	set_params_expire(set, call->now_ns, SIZE_MAX);
	return call_add(call, "kept",
			json_pack("{sI}", KEPT_SET, (json_int_t)set->entries.sum.count));
}

int policy_apply_method(struct call *call)
{
	struct policy *policy;

	if (policy_read(call, &policy))
		return -1;
	if (keep_blocked(call, *call->draft, policy)) {
		policy_free(policy);
		return -1;
	}
	policy_free(*call->draft);
	*call->draft = policy;
	return 0;
}
