/* SPDX-License-Identifier: BSD-3-Clause */
/* See draft.h. */
#include "daemon/draft.h"

#include "daemon/clock.h"
#include "daemon/methods.h"

#include <stdlib.h>

static int no_memory(struct error *error)
{
	return error_set(error, ERROR_DEGRADED, "", "not enough memory");
}

void draft_free(struct draft *draft)
{
	if (!draft)
		return;
	policy_free(draft->policy);
	json_decref(draft->answer);
	free(draft);
}

struct draft *draft_new(const struct daemon *daemon, struct error *error)
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
		no_memory(error);
		return NULL;
	}
	return draft;
}

int draft_change(struct daemon *daemon, const struct client *client, struct draft *draft,
		 const struct request *request, json_t **answer, struct error *error)
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
	size_t sets = draft->policy->set_count;
	int result;

	if (!call.answer)
		return no_memory(error);
	result = request->method->handler(&call);
	/* A set may be there even if there was no memory for its entries. */
	draft->reframed |= draft->policy->set_count != sets;
	if (result != 0) {
		json_decref(call.answer);
		return -1;
	}
	draft->applied |= request->method->changes == CHANGES_ALL;
	draft->reframed |= request->method->changes != CHANGES_ENTRIES;
	*answer = call.answer;
	return 0;
}

/* Changed entries add up; what else parts answer, the last says. */
int draft_answer(struct draft *draft, json_t *answer, struct error *error)
{
	const char *key = "changed";
	json_int_t before = json_integer_value(json_object_get(draft->answer, key));
	json_t *changed = json_object_get(answer, key);
	int result = 0;

	if (changed)
		result = json_integer_set(changed, before + json_integer_value(changed));
	if (result == 0)
		result = json_object_update(draft->answer, answer);
	json_decref(answer);
	return result == 0 ? 0 : no_memory(error);
}
