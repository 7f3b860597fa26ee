/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be asked: one table of methods, each with its role, parameters and handler. */
#pragma once

#include "daemon/daemon.h"

/* A request being handled. */
struct call {
	struct daemon *daemon;
	const struct peer *peer;
	const json_t *params;  /* of the names and types that the table lists */
	uint64_t now_ns;       /* UTC */
	struct policy **draft; /* of a change: the policy to change, or to replace by another */
	json_t *answer;        /* an object to add to */
	struct error *error;
};

/*
 * 0, or -1 with the error set; a change then leaves *draft as it was, so that one part of a
 * transaction may fail and the rest stand. What it added to `answer` is not sent.
 */
typedef int method_handler(struct call *call);

struct param {
	const char *name; /* NULL: past the last */
	json_type type;
	bool required;
};

enum { METHOD_PARAMS = 5 };

/* What of the policy a method may change. */
enum method_changes {
	CHANGES_NOTHING,
	CHANGES_ENTRIES, /* what sets hold */
	CHANGES_FRAME,   /* the document, but for that */
	CHANGES_ALL,     /* it is another policy */
};

struct method {
	const char *name;
	enum role role;
	enum method_changes changes;
	method_handler *handler;
	struct param params[METHOD_PARAMS];
};

/* By name; NULL: there is none. */
const struct method *method_find(const char *name);

/* Check names, presence and types of parameters. 0, or -1 with *error. */
int method_check(const struct method *method, const json_t *params, struct error *error);

/* Check the parameter `reason`, if it is given. 0, or -1 with *error. */
int method_check_reason(const json_t *params, struct error *error);

method_handler policy_get_method, policy_check_method, policy_apply_method;
method_handler set_add_method, set_remove_method, set_replace_method, set_list_method;
method_handler rule_admit_method, rule_limit_method;
method_handler explain_method, stats_method, health_method;
method_handler twin_attach_method, twin_detach_method;

/* What health says of the twin: null where there is to be none. NULL: no memory. */
json_t *twin_print(const struct twinning *twinning);

/* Add what is wrong with it, a sentence each. 0, or else there was no memory. */
int twin_problems(const struct twinning *twinning, json_t *problems);

/* An error's place in the policy document becomes one in the parameter `policy`; others stay. */
void policy_place(struct error *error);

/* Add a member to the answer, taking over `value`. 0, or -1 with the error set: no memory. */
int call_add(struct call *call, const char *key, json_t *value);

int call_no_memory(struct call *call);

/* Whether there is an active policy to tell of; the state may be damaged. 0, or -1. */
int call_check_policy(struct call *call);

/* A string or integer parameter, or what to take where it is not given. */
const char *call_string(const struct call *call, const char *name, const char *otherwise);
json_int_t call_integer(const struct call *call, const char *name, json_int_t otherwise);
