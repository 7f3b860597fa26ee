/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get: the counters of both planes, summed, and how ports and workers bear the load. */
#include "daemon/methods.h"

#include "daemon/load.h"

#include <stdlib.h>
#include <string.h>

/* Where packets are decided, and who counts them there: the data plane's workers, the twin's CPUs.
 */
struct plane {
	const struct worker_counters *counters;
	uint32_t blocks;           /* of them; 0: it is not there */
	const uint32_t *slot_rule; /* the rule that a slot counts for, by its id */
};

enum { DATAPLANE, TWIN, PLANES };

static const char *const plane_words[PLANES] = {"dataplane", "twin"};

/* Add the counts of one block, apart from those of rules. */
static void block_sum(struct worker_counters *sum, const struct worker_counters *block)
{
	count_sum(&sum->received, &block->received);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		count_sum(&sum->reason[i], &block->reason[i]);
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		count_sum(&sum->verdict[i], &block->verdict[i]);
	count_sum(&sum->sent, &block->sent);
	count_sum(&sum->unsent, &block->unsent);
	count_sum(&sum->returned, &block->returned);
	count_sum(&sum->unreturned, &block->unreturned);
	count_sum(&sum->handed, &block->handed);
}

/* Put the sums' counts into `object`. 0, or else there was no memory. */
static int print_sums(json_t *object, const struct worker_counters *sum)
{
	json_t *reasons = json_object(), *verdicts = json_object();
	int failed = 0;

	for (unsigned i = 0; i < REASON_COUNT; i++)
		failed |= json_object_set_new(reasons, reason_word(i),
					      load_print_count(&sum->reason[i]));
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		failed |= json_object_set_new(verdicts, verdict_word(i),
					      load_print_count(&sum->verdict[i]));
	failed |= json_object_set_new(object, "received", load_print_count(&sum->received));
	failed |= json_object_set_new(object, "reasons", reasons);
	failed |= json_object_set_new(object, "verdicts", verdicts);
	failed |= json_object_set_new(object, "sent", load_print_count(&sum->sent));
	failed |= json_object_set_new(object, "unsent", load_print_count(&sum->unsent));
	failed |= json_object_set_new(object, "returned", load_print_count(&sum->returned));
	failed |= json_object_set_new(object, "unreturned", load_print_count(&sum->unreturned));
	failed |= json_object_set_new(object, "handed", load_print_count(&sum->handed));
	return failed;
}

/* What one plane counted, which is added to *total too. NULL: no memory. */
static json_t *print_plane(const struct plane *plane, struct worker_counters *total)
{
	struct worker_counters *sum = aligned_alloc(_Alignof(struct worker_counters), sizeof *sum);
	json_t *object = json_object();

	if (sum) {
		memset(sum, 0, sizeof *sum);
		for (uint32_t i = 0; i < plane->blocks; i++)
			block_sum(sum, &plane->counters[i]);
		block_sum(total, sum);
	}
	if (!sum || print_sums(object, sum)) {
		json_decref(object);
		object = NULL;
	}
	free(sum);
	return object;
}

/* Each plane that is there, and both together. */
static int add_planes(struct call *call, const struct plane planes[PLANES])
{
	struct worker_counters *total =
		aligned_alloc(_Alignof(struct worker_counters), sizeof *total);
	json_t *each = json_object();
	int failed = !total;

	if (total)
		memset(total, 0, sizeof *total);
	for (unsigned i = 0; i < PLANES && !failed; i++) {
		if (planes[i].blocks)
			failed = json_object_set_new(each, plane_words[i],
						     print_plane(&planes[i], total));
	}
	failed = failed || print_sums(call->answer, total);
	free(total);
	failed |= json_object_set_new(call->answer, "planes", each);
	return failed ? call_no_memory(call) : 0;
}

/* The slot that counts for a rule, or CAP_RULE_SLOTS. */
static unsigned slot_of(const struct plane *plane, uint32_t rule)
{
	unsigned slot = 0;

	while (slot < CAP_RULE_SLOTS &&
	       __atomic_load_n(&plane->slot_rule[slot], __ATOMIC_RELAXED) != rule)
		slot++;
	return slot;
}

static void rule_sum(struct count sum[OUTCOME_COUNT], const struct plane *plane, uint32_t rule)
{
	unsigned slot = plane->blocks ? slot_of(plane, rule) : CAP_RULE_SLOTS;

	for (uint32_t i = 0; slot < CAP_RULE_SLOTS && i < plane->blocks; i++) {
		for (unsigned j = 0; j < OUTCOME_COUNT; j++)
			count_sum(&sum[j], &plane->counters[i].rule[slot][j]);
	}
}

static json_t *print_rule(const struct plane planes[PLANES], const struct rule_params *params,
			  uint32_t id)
{
	struct count sum[OUTCOME_COUNT] = {{0}};
	char admit[8];
	json_t *rule;

	for (unsigned i = 0; i < PLANES; i++)
		rule_sum(sum, &planes[i], id);
	policy_print_percentage(params->admit_bp, admit);
	rule = json_pack("{ss, ss}", "rule", params->name, "admit", admit);
	for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
		if (json_object_set_new(rule, outcome_word(i), load_print_count(&sum[i]))) {
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

static int add_rules(struct call *call, const struct plane planes[PLANES])
{
	const struct edition *active = &call->daemon->publisher.active;
	json_t *rules = json_array();

	for (size_t i = 0; active->generation && i < active->policy->rule_count; i++) {
		const struct rule *rule = &compiled_rules(active)[i];

		if (json_array_append_new(
			    rules, print_rule(planes, &active->policy->rules[i], rule->id))) {
			json_decref(rules);
			return call_no_memory(call);
		}
	}
	return call_add(call, "rules", rules);
}

static int add_all(struct call *call, const struct counters_view *view)
{
	json_int_t generation = (json_int_t)call->daemon->publisher.active.generation;
	struct twin *twin = call->daemon->twinning.twin;
	struct plane planes[PLANES] = {{0}};

	if (view->workers)
		planes[DATAPLANE] = (struct plane){view->counters->worker, view->workers,
						   view->counters->slot_rule};
	if (twin)
		planes[TWIN].counters =
			twin_counters(twin, &planes[TWIN].blocks, &planes[TWIN].slot_rule);
	return call_add(call, "generation", json_integer(generation)) ||
			       call_add(call, "workers", json_integer(view->workers)) ||
			       add_planes(call, planes) || add_rules(call, planes)
		       ? -1
		       : 0;
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
