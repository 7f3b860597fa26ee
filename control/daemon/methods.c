/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of methods and what every handler needs. See methods.h. */
#include "daemon/methods.h"

#include "policy/path.h"
#include "policy/text.h"

#include <string.h>

/* clang-format off */
#define OBJECT(name)         {name, JSON_OBJECT, true}
#define ARRAY(name)          {name, JSON_ARRAY, true}
#define STRING(name)         {name, JSON_STRING, true}
#define OPTIONAL(name, type) {name, type, false}

static const struct method methods[] = {
	{"policy.get", ROLE_VIEWER, CHANGES_NOTHING, policy_get_method, {{0}}},
	{"policy.check", ROLE_OPERATOR, CHANGES_NOTHING, policy_check_method, {OBJECT("policy")}},
	{"policy.apply", ROLE_ADMIN, CHANGES_ALL, policy_apply_method, {OBJECT("policy")}},
	{"set.add", ROLE_OPERATOR, CHANGES_ENTRIES, set_add_method,
		{STRING("set"), ARRAY("entries"), OPTIONAL("verdict", JSON_STRING)}},
	{"set.remove", ROLE_OPERATOR, CHANGES_ENTRIES, set_remove_method,
		{STRING("set"), ARRAY("prefixes")}},
	{"set.replace", ROLE_OPERATOR, CHANGES_ENTRIES, set_replace_method,
		{STRING("set"), ARRAY("entries")}},
	{"set.list", ROLE_VIEWER, CHANGES_NOTHING, set_list_method,
		{OPTIONAL("set", JSON_STRING), OPTIONAL("offset", JSON_INTEGER),
		 OPTIONAL("limit", JSON_INTEGER)}},
	{"rule.admit", ROLE_OPERATOR, CHANGES_FRAME, rule_admit_method,
		{STRING("rule"), STRING("admit")}},
	{"rule.limit", ROLE_OPERATOR, CHANGES_FRAME, rule_limit_method,
		{STRING("rule"), OBJECT("limit")}},
	{"explain", ROLE_VIEWER, CHANGES_NOTHING, explain_method,
		{STRING("source"), STRING("destination"), OPTIONAL("port", JSON_INTEGER),
		 OPTIONAL("protocol", JSON_STRING)}},
	{"stats.get", ROLE_VIEWER, CHANGES_NOTHING, stats_method, {{0}}},
	{"health", ROLE_VIEWER, CHANGES_NOTHING, health_method, {{0}}},
	{"twin.attach", ROLE_ADMIN, CHANGES_NOTHING, twin_attach_method,
		{OPTIONAL("reason", JSON_STRING)}},
	{"twin.detach", ROLE_ADMIN, CHANGES_NOTHING, twin_detach_method,
		{OPTIONAL("reason", JSON_STRING)}},
};
/* clang-format on */

/* What every change takes besides. */
static const struct param change_params[] = {
	{"reason", JSON_STRING, false},
	{"if_generation", JSON_INTEGER, false},
	{"request_key", JSON_STRING, false},
	{"more", JSON_TRUE, false},
	{0},
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

static const struct param *param_find(const struct param *params, const char *name)
{
	for (; params->name; params++) {
		if (strcmp(params->name, name) == 0)
			return params;
	}
	return NULL;
}

static bool type_is(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const char *type_word(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	default:
		return "true or false";
	}
}

int method_check(const struct method *method, const json_t *params, struct error *error)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)params, name, value) {
		const struct param *param = param_find(method->params, name);
		struct path path = {0};

		path_key(&path, name, strlen(name));
		if (!param && method->changes)
			param = param_find(change_params, name);
		if (!param)
			return error_set(error, ERROR_UNKNOWN_FIELD, path.text,
					 "%s knows no such parameter", method->name);
		if (!type_is(value, param->type))
			return error_set(error, ERROR_INVALID, path.text, "must be %s",
					 type_word(param->type));
	}
	for (const struct param *param = method->params; param->name; param++) {
		if (param->required && !json_object_get(params, param->name))
			return error_set(error, ERROR_INVALID, param->name, "is missing");
	}
	return 0;
}

int method_check_reason(const json_t *params, struct error *error)
{
	const char *reason = json_string_value(json_object_get(params, "reason"));

	if (!reason || text_is_reason(reason))
		return 0;
	return error_set(error, ERROR_INVALID, "reason", "must be 1 to %d printable bytes",
			 TEXT_REASON);
}

int call_no_memory(struct call *call)
{
	return error_set(call->error, ERROR_DEGRADED, "", "not enough memory");
}

int call_check_policy(struct call *call)
{
	const struct publisher *publisher = &call->daemon->publisher;

	if (publisher->active.policy)
		return 0;
	return error_set(call->error, ERROR_DEGRADED, publisher->damage.path,
			 "the policy on disk is damaged: %s", publisher->damage.message);
}

int call_add(struct call *call, const char *key, json_t *value)
{
	return json_object_set_new(call->answer, key, value) ? call_no_memory(call) : 0;
}

const char *call_string(const struct call *call, const char *name, const char *otherwise)
{
	const json_t *value = json_object_get(call->params, name);

	return value ? json_string_value(value) : otherwise;
}

json_int_t call_integer(const struct call *call, const char *name, json_int_t otherwise)
{
	const json_t *value = json_object_get(call->params, name);

	return value ? json_integer_value(value) : otherwise;
}
