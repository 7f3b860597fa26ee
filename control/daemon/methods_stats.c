/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get: the counters of all workers, summed, and how ports and workers bear the load. */
#include "daemon/methods.h"

#include "daemon/load.h"

#include <stdlib.h>
#include <string.h>

/* Add the counts of one worker, apart from those of rules. */
static void worker_sum(struct worker_counters *sum, const struct worker_counters *worker)
{
	count_sum(&sum->received, &worker->received);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		count_sum(&sum->reason[i], &worker->reason[i]);
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		count_sum(&sum->verdict[i], &worker->verdict[i]);
	count_sum(&sum->sent, &worker->sent);
	count_sum(&sum->unsent, &worker->unsent);
	count_sum(&sum->returned, &worker->returned);
	count_sum(&sum->unreturned, &worker->unreturned);
}

static int add_sums(struct call *call, const struct worker_counters *sum)
{
	json_t *reasons = json_object(), *verdicts = json_object();
	int failed = 0;

	for (unsigned i = 0; i < REASON_COUNT; i++)
		failed |= json_object_set_new(reasons, reason_word(i),
					      load_print_count(&sum->reason[i]));
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		failed |= json_object_set_new(verdicts, verdict_word(i),
					      load_print_count(&sum->verdict[i]));
	failed |= call_add(call, "received", load_print_count(&sum->received));
	failed |= call_add(call, "reasons", reasons);
	failed |= call_add(call, "verdicts", verdicts);
	failed |= call_add(call, "sent", load_print_count(&sum->sent));
	failed |= call_add(call, "unsent", load_print_count(&sum->unsent));
	failed |= call_add(call, "returned", load_print_count(&sum->returned));
	failed |= call_add(call, "unreturned", load_print_count(&sum->unreturned));
	return failed ? call_no_memory(call) : 0;
}

/* The slot that counts for a rule, or CAP_RULE_SLOTS. */
static unsigned slot_of(const struct counters *counters, uint32_t rule)
{
	unsigned slot = 0;

	while (slot < CAP_RULE_SLOTS &&
	       __atomic_load_n(&counters->slot_rule[slot], __ATOMIC_RELAXED) != rule)
		slot++;
	return slot;
}

static json_t *print_rule(const struct counters_view *view, const struct rule_params *params,
			  uint32_t id)
{
	unsigned slot = view->workers ? slot_of(view->counters, id) : CAP_RULE_SLOTS;
	char admit[8];
	json_t *rule;

	policy_print_percentage(params->admit_bp, admit);
	rule = json_pack("{ss, ss}", "rule", params->name, "admit", admit);
	for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
		struct count sum = {0};

		for (unsigned j = 0; slot < CAP_RULE_SLOTS && j < view->workers; j++)
			count_sum(&sum, &view->counters->worker[j].rule[slot][i]);
		if (json_object_set_new(rule, outcome_word(i), load_print_count(&sum))) {
			json_decref(rule);
			return NULL;
		}
	}
	return rule;
}

/* The compiled rules of the active edition, in the order of the policy's own. */
static const struct rule *compiled_rules(const struct edition *active)
{
	const char *data = active->compiled.segment[SEGMENT_RULES]->data;
	const struct segment_header *header = (const void *)data;

	return (const void *)(data + header->array[RULES_RULES].offset);
}

static int add_rules(struct call *call, const struct counters_view *view)
{
	const struct edition *active = &call->daemon->publisher.active;
	json_t *rules = json_array();

	for (size_t i = 0; active->generation && i < active->policy->rule_count; i++) {
		const struct rule *rule = &compiled_rules(active)[i];

		if (json_array_append_new(rules,
					  print_rule(view, &active->policy->rules[i], rule->id))) {
			json_decref(rules);
			return call_no_memory(call);
		}
	}
	return call_add(call, "rules", rules);
}

static int add_all(struct call *call, const struct counters_view *view)
{
	json_int_t generation = (json_int_t)call->daemon->publisher.active.generation;
	struct worker_counters *sum = aligned_alloc(_Alignof(struct worker_counters), sizeof *sum);
	int result;

	if (!sum)
		return call_no_memory(call);
	memset(sum, 0, sizeof *sum);
	for (uint32_t i = 0; i < view->workers; i++)
		worker_sum(sum, &view->counters->worker[i]);
	result = call_add(call, "generation", json_integer(generation)) ||
				 call_add(call, "workers", json_integer(view->workers)) ||
				 add_sums(call, sum) || add_rules(call, view)
			 ? -1
			 : 0;
	free(sum);
	return result;
}

static int add_load(struct call *call, const struct counters_view *counters,
		    const struct board_dataplane *dataplane)
{
	struct vitals_view view = {0};
	int result = dataplane ? vitals_map(&call->daemon->boards, &view) : 0;

	if (result)
		return error_set(call->error, ERROR_DEGRADED, BOARD_VITALS, "%s",
				 strerror(-result));
	result = call_add(call, "ports", load_print_ports(&view)) ||
				 call_add(call, "per_worker",
					  load_print_workers(&view, counters, dataplane))
			 ? -1
			 : 0;
	if (dataplane)
		vitals_unmap(&view);
	return result;
}

int stats_method(struct call *call)
{
	struct boards *boards = &call->daemon->boards;
	const struct board_dataplane *dataplane = boards_dataplane(boards);
	struct counters_view view = {0};
	int result = dataplane ? counters_map(boards, &view) : 0;

	if (result)
		return error_set(call->error, ERROR_DEGRADED, BOARD_COUNTERS, "%s",
				 strerror(-result));
	result = add_all(call, &view) || add_load(call, &view, dataplane) ? -1 : 0;
	if (dataplane)
		counters_unmap(&view);
	return result;
}
