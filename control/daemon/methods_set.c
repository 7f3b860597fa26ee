/* SPDX-License-Identifier: BSD-3-Clause */
/* set.add, set.remove, set.replace and set.list. */
#include "daemon/methods.h"

#include "policy/path.h"
#include "policy/text.h"

#include <stdlib.h>
#include <string.h>

/* Entries in one answer: as a rule, and at most, a page being what one client may cost others. */
enum { LIST_LIMIT = 1000, LIST_LIMIT_MOST = 10000 };

enum { EXPIRED_A_CHANGE = 64 };

/* What a request lists. */
struct list {
	struct entry_params *entries;
	size_t count;
};

static void list_free(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		reason_unref(list->entries[i].reason);
	free(list->entries);
}

static int list_parse(struct call *call, struct list *list)
{
	const json_t *array = json_object_get(call->params, "entries");
	size_t count = json_array_size(array);
	struct list parsed = {.entries = calloc(count ? count : 1, sizeof *parsed.entries)};

	if (!parsed.entries)
		return call_no_memory(call);
	for (; parsed.count < count; parsed.count++) {
		struct path path = {.text = "entries"};

		path_index(&path, parsed.count);
		if (policy_parse_entry(json_array_get(array, parsed.count), path.text, call->now_ns,
				       &parsed.entries[parsed.count], call->error)) {
			list_free(&parsed);
			return -1;
		}
	}
	*list = parsed;
	return 0;
}

/* Give the entries to the set; what it did not take over is freed. */
static int list_add(struct list *list, struct set_params *set, size_t *changed)
{
	int result = set_params_add(set, list->entries, list->count, changed);

	if (result == 0)
		free(list->entries);
	else
		list_free(list);
	return result;
}

/*
 * Expired entries are no longer enforced; here is where they leave the policy: a few with each
 * change, as millions may expire at once.
 */
static void expire_some(struct call *call)
{
	policy_expire(*call->draft, call->now_ns, EXPIRED_A_CHANGE);
}

static int check_room(struct call *call, size_t more)
{
	size_t entries = policy_entries(*call->draft) + more;

	if (entries > CAP_SET_ENTRIES)
		entries -= policy_expire(*call->draft, call->now_ns, entries - CAP_SET_ENTRIES);
	if (entries > CAP_SET_ENTRIES)
		return error_set(call->error, ERROR_CAPACITY, "entries",
				 "more than %d entries in all sets", CAP_SET_ENTRIES);
	return 0;
}

static int no_such_set(struct call *call, const char *name)
{
	return error_set(call->error, ERROR_INVALID, "set", "there is no set %s", name);
}

static struct set_params *set_named(struct call *call)
{
	const char *name = call_string(call, "set", "");
	uint16_t set = policy_set(*call->draft, name);

	if (set != NONE)
		return &(*call->draft)->sets[set];
	no_such_set(call, name);
	return NULL;
}

static int verdict_parse(struct call *call, uint8_t *verdict)
{
	const char *word = call_string(call, "verdict", NULL);

	if (!word)
		*verdict = 0;
	else if (strcmp(word, "allow") == 0)
		*verdict = SET_ALLOW;
	else if (strcmp(word, "block") == 0)
		*verdict = SET_BLOCK;
	else
		return error_set(call->error, ERROR_INVALID, "verdict",
				 "is neither allow nor block");
	return 0;
}

/* The set to add to: made, where there is none and the request says what it is to be. */
static struct set_params *set_wanted(struct call *call)
{
	const char *name = call_string(call, "set", "");
	uint16_t set = policy_set(*call->draft, name);
	uint8_t verdict = 0;

	if (verdict_parse(call, &verdict))
		return NULL;
	if (set == NONE && verdict == 0) {
		no_such_set(call, name);
		return NULL;
	}
	if (set == NONE && !text_is_name(name)) {
		error_set(call->error, ERROR_INVALID, "set", "is not a name");
		return NULL;
	}
	if (set == NONE) {
		set = policy_add_set(*call->draft, name, verdict);
		if (set == NONE)
			error_set(call->error, ERROR_CAPACITY, "set", "no room for another set");
	} else if (verdict && (*call->draft)->sets[set].verdict != verdict) {
		error_set(call->error, ERROR_INVALID, "verdict", "is not that of the set %s", name);
		set = NONE;
	}
	return set == NONE ? NULL : &(*call->draft)->sets[set];
}

static int answer_changed(struct call *call, size_t changed)
{
	return call_add(call, "changed", json_integer((json_int_t)changed));
}

int set_add_method(struct call *call)
{
	struct list list;
	struct set_params *set;
	size_t changed;

	if (list_parse(call, &list))
		return -1;
	expire_some(call);
	set = check_room(call, list.count) ? NULL : set_wanted(call);
	if (!set) {
		list_free(&list);
		return -1;
	}
	if (list_add(&list, set, &changed))
		return call_no_memory(call);
	return answer_changed(call, changed);
}

static int prefixes_parse(struct call *call, struct prefix **prefixes, size_t *count)
{
	const json_t *array = json_object_get(call->params, "prefixes");
	size_t size = json_array_size(array);
	struct prefix *parsed = calloc(size ? size : 1, sizeof *parsed);

	if (!parsed)
		return call_no_memory(call);
	for (size_t i = 0; i < size; i++) {
		const char *text = json_string_value(json_array_get(array, i));
		const char *why = "must be a string";
		struct path path = {.text = "prefixes"};

		path_index(&path, i);
		if (!text || prefix_parse(text, &parsed[i], &why)) {
			free(parsed);
			return error_set(call->error, ERROR_INVALID, path.text, "%s", why);
		}
	}
	*prefixes = parsed;
	*count = size;
	return 0;
}

int set_remove_method(struct call *call)
{
	struct set_params *set = set_named(call);
	struct prefix *prefixes;
	size_t count, changed;
	int result;

	if (!set || prefixes_parse(call, &prefixes, &count))
		return -1;
	expire_some(call);
	result = set_params_remove(set, prefixes, count, &changed);
	free(prefixes);
	return result ? call_no_memory(call) : answer_changed(call, changed);
}

static int count_one(void *context, const struct entry_params *before,
		     const struct entry_params *after)
{
	(void)before;
	(void)after;
	++*(size_t *)context;
	return 0;
}

int set_replace_method(struct call *call)
{
	struct set_params *set = set_named(call), new = {0};
	struct list list;
	size_t before, changed;

	if (!set || list_parse(call, &list))
		return -1;
	expire_some(call);
	before = set->entries.sum.count;
	if (check_room(call, list.count > before ? list.count - before : 0)) {
		list_free(&list);
		return -1;
	}
	if (list_add(&list, &new, &changed))
		return call_no_memory(call);
	changed = 0;
	entries_compare(&set->entries, &new.entries, count_one, &changed);
	entries_free(&set->entries);
	set->entries = new.entries;
	return answer_changed(call, changed);
}

static size_t count_live(const struct set_params *set, uint64_t now_ns)
{
	return set->entries.sum.count - entries_expired(&set->entries, now_ns);
}

static const char *verdict_of(const struct set_params *set)
{
	return set->verdict == SET_ALLOW ? "allow" : "block";
}

static int list_sets(struct call *call, const struct policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->set_count; i++) {
		const struct set_params *set = &policy->sets[i];
		json_int_t live = (json_int_t)count_live(set, call->now_ns);

		if (json_array_append_new(list,
					  json_pack("{ss, ss, sI}", "name", set->name, "verdict",
						    verdict_of(set), "entries", live))) {
			json_decref(list);
			return call_no_memory(call);
		}
	}
	return call_add(call, "sets", list);
}

/* Live entries `offset` to `offset + limit`. */
static json_t *list_entries(const struct set_params *set, uint64_t now_ns, size_t offset,
			    size_t limit)
{
	struct entries_cursor cursor = entries_skip(&set->entries, offset, now_ns);
	const struct entry_params *entry;
	json_t *list = json_array();

	for (; (entry = entries_at(&cursor)) && json_array_size(list) < limit;
	     entries_next(&cursor)) {
		if (entry->expires_ns != 0 && entry->expires_ns <= now_ns)
			continue;
		if (json_array_append_new(list, policy_print_entry(entry))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int set_list_method(struct call *call)
{
	const struct policy *policy = call->daemon->publisher.active.policy;
	const char *name = call_string(call, "set", NULL);
	json_int_t offset = call_integer(call, "offset", 0);
	json_int_t limit = call_integer(call, "limit", LIST_LIMIT);
	const struct set_params *set;
	uint16_t index;

	if (call_check_policy(call))
		return -1;
	if (offset < 0)
		return error_set(call->error, ERROR_INVALID, "offset", "is negative");
	if (limit < 0 || limit > LIST_LIMIT_MOST)
		return error_set(call->error, ERROR_INVALID, "limit", "is not 0 to %d",
				 LIST_LIMIT_MOST);
	if (!name)
		return list_sets(call, policy);
	index = policy_set(policy, name);
	if (index == NONE)
		return no_such_set(call, name);
	set = &policy->sets[index];
	if (call_add(call, "name", json_string(set->name)) ||
	    call_add(call, "verdict", json_string(verdict_of(set))) ||
	    call_add(call, "total", json_integer((json_int_t)count_live(set, call->now_ns))))
		return -1;
	return call_add(call, "entries",
			list_entries(set, call->now_ns, (size_t)offset, (size_t)limit));
}
