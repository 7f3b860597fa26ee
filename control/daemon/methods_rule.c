/* SPDX-License-Identifier: BSD-3-Clause */
/* rule.admit and rule.limit. */
#include "daemon/methods.h"

#include "policy/path.h"

#include <string.h>

static struct rule_params *rule_named(struct call *call)
{
	const char *name = call_string(call, "rule", "");
	uint16_t rule = policy_rule(*call->draft, name);

	if (rule != NONE)
		return &(*call->draft)->rules[rule];
	error_set(call->error, ERROR_INVALID, "rule", "there is no rule %s", name);
	return NULL;
}

int rule_admit_method(struct call *call)
{
	struct rule_params *rule = rule_named(call);

	if (!rule)
		return -1;
	return policy_parse_percentage(call_string(call, "admit", ""), "admit", &rule->admit_bp,
				       call->error);
}

/* One of the two limits: null is none, and what is not named stays. */
static int limit_read(struct call *call, const char *name, struct rate_params *rate)
{
	const json_t *limit = json_object_get(json_object_get(call->params, "limit"), name);
	struct path path = {.text = "limit"};

	path_key(&path, name, strlen(name));
	if (json_is_null(limit))
		*rate = (struct rate_params){0};
	else if (limit)
		return policy_parse_limit(limit, path.text, rate, call->error);
	return 0;
}

int rule_limit_method(struct call *call)
{
	json_t *limit = json_object_get(call->params, "limit"), *value;
	struct rule_params *rule = rule_named(call);
	struct rate_params source, total;
	const char *name;

	if (!rule)
		return -1;
	if (json_object_size(limit) == 0)
		return error_set(call->error, ERROR_INVALID, "limit",
				 "names neither source nor rule");
	json_object_foreach (limit, name, value) {
		struct path path = {.text = "limit"};

		path_key(&path, name, strlen(name));
		if (strcmp(name, "source") != 0 && strcmp(name, "rule") != 0)
			return error_set(call->error, ERROR_UNKNOWN_FIELD, path.text,
					 "is neither source nor rule");
	}
	source = rule->source;
	total = rule->total;
	if (limit_read(call, "source", &source) || limit_read(call, "rule", &total))
		return -1;
	rule->source = source;
	rule->total = total;
	return 0;
}
