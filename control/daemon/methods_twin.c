/* SPDX-License-Identifier: BSD-3-Clause */
/* twin.attach, twin.detach, and what health says of the twin. */
#include "daemon/methods.h"

static json_t *print_interface(const struct twin_interface *interface)
{
	return json_pack("{ss, ss, sb, sb, sI, ss*}", "name", interface->name, "role",
			 port_role_word(interface->role), "attached", interface->attached, "native",
			 interface->native, "sockets", (json_int_t)interface->sockets, "problem",
			 *interface->problem ? interface->problem : NULL);
}

static json_t *print_interfaces(const struct twinning *twinning)
{
	struct twin_interface interfaces[TWIN_INTERFACES];
	unsigned count = twinning_interfaces(twinning, interfaces);
	json_t *all = json_array();

	for (unsigned i = 0; i < count; i++) {
		if (json_array_append_new(all, print_interface(&interfaces[i]))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

json_t *twin_print(const struct twinning *twinning)
{
	const struct twin_tables *active = &twinning->active;
	json_int_t generation = active->loaded ? (json_int_t)active->generation : 0;

	if (!twinning->options)
		return json_null();
	return json_pack("{ss, ss, sI, sb, sb, sb, so}", "mode",
			 twin_mode_word(twinning->options->mode), "pins", twinning->options->pins,
			 "generation", generation, "filters", twinning_filters(twinning), "serving",
			 twinning_serving(twinning), "detached", twinning->detached, "interfaces",
			 print_interfaces(twinning));
}

int twin_problems(const struct twinning *twinning, json_t *problems)
{
	struct twin_interface interfaces[TWIN_INTERFACES];
	unsigned count = twinning_interfaces(twinning, interfaces);
	int failed = 0;

	if (twinning->detached)
		failed |= json_array_append_new(
			problems,
			json_string("the twin is detached: sluice attach brings it back"));
	if (twinning->problem.code)
		failed |= json_array_append_new(
			problems, json_sprintf("twin: %s", twinning->problem.message));
	for (unsigned i = 0; i < count; i++) {
		if (*interfaces[i].problem)
			failed |= json_array_append_new(
				problems, json_sprintf("twin: %s: %s", interfaces[i].name,
						       interfaces[i].problem));
	}
	return failed;
}

/* What is done to the twin belongs in the log as what is changed of the policy does. */
static int act(struct call *call, const char *method,
	       int action(struct twinning *twinning, struct error *error))
{
	struct daemon *daemon = call->daemon;
	int result = method_check_reason(call->params, call->error) ||
				     action(&daemon->twinning, call->error)
			     ? -1
			     : 0;
	struct audited audited = {
		.peer = call->peer,
		.method = method,
		.params = call->params,
		.generation = daemon->publisher.active.generation,
		.error = result ? call->error : NULL,
	};

	audit_write(&daemon->audit, &audited, call->now_ns);
	return result ? -1 : call_add(call, "twin", twin_print(&daemon->twinning));
}

int twin_detach_method(struct call *call)
{
	return act(call, "twin.detach", twinning_detach);
}

int twin_attach_method(struct call *call)
{
	return act(call, "twin.attach", twinning_attach);
}
