/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes, and sets of them. */
#include "policy/order.h"
#include "policy/parse.h"
#include "policy/text.h"

#include <stdlib.h>

int parse_prefix(struct parse *parse, const struct node *node, struct prefix *prefix)
{
	const char *text, *why;

	if (parse_string(parse, node, &text))
		return -1;
	if (prefix_parse(text, prefix, &why))
		return node_error(parse, node, ERROR_INVALID, "%s", why);
	return 0;
}

/* The order of a list's elements, for free(), if no prefix is in it twice; else NULL. */
static uint32_t *distinct_order(struct parse *parse, const struct node *node,
				const struct prefix *first, size_t stride, size_t count)
{
	uint32_t *order = parse_alloc(parse, node, count, sizeof *order);
	struct node child;
	size_t repeated;

	if (!order)
		return NULL;
	order_prefixes(first, stride, count, order);
	repeated = order_repeated(first, stride, count, order);
	if (repeated == SIZE_MAX)
		return order;
	free(order);
	child = node_element(node, repeated);
	node_error(parse, &child, ERROR_INVALID, "is in the list already");
	return NULL;
}

int parse_prefixes(struct parse *parse, const struct node *node, size_t cap,
		   struct prefix_list *list)
{
	uint32_t *order;
	size_t count;

	if (parse_many(parse, node, JSON_ARRAY, cap, &count))
		return -1;
	list->prefixes = parse_alloc(parse, node, count, sizeof *list->prefixes);
	if (!list->prefixes)
		return -1;
	for (; list->count < count; list->count++) {
		struct node child = node_element(node, list->count);

		if (parse_prefix(parse, &child, &list->prefixes[list->count]))
			return -1;
	}
	order = distinct_order(parse, node, list->prefixes, sizeof *list->prefixes, count);
	free(order);
	return order ? 0 : -1;
}

static int entry_prefix(struct parse *parse, const struct node *node, void *out)
{
	struct entry_params *entry = out;

	return parse_prefix(parse, node, &entry->prefix);
}

static int entry_expires(struct parse *parse, const struct node *node, void *out)
{
	struct entry_params *entry = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	if (text_time(text, &entry->expires_ns))
		return node_error(parse, node, ERROR_INVALID,
				  "must be an RFC 3339 time in UTC from 1970 to 2261, such as "
				  "\"2026-12-01T00:00:00Z\"");
	return 0;
}

static int entry_ttl(struct parse *parse, const struct node *node, void *out)
{
	struct entry_params *entry = out;
	uint64_t duration_ns;
	const char *text;

	if (parse->now_ns == 0)
		return node_error(parse, node, ERROR_INVALID,
				  "is for requests: a document says when, with expires");
	if (entry->expires_ns)
		return node_error(parse, node, ERROR_INVALID, "is given beside expires");
	if (parse_string(parse, node, &text))
		return -1;
	if (text_duration(text, &duration_ns))
		return node_error(parse, node, ERROR_INVALID,
				  "must be a number of s, m, h or d, such as \"10m\", of at most "
				  "a hundred years");
	entry->expires_ns = parse->now_ns + duration_ns;
	return 0;
}

static int entry_reason(struct parse *parse, const struct node *node, void *out)
{
	struct entry_params *entry = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	if (!text_is_reason(text))
		return node_error(parse, node, ERROR_INVALID,
				  "must be 1 to %d bytes without control characters", TEXT_REASON);
	entry->reason = reason_new(text);
	return entry->reason ? 0 : parse_no_memory(parse, node);
}

int parse_entry(struct parse *parse, const struct node *node, struct entry_params *entry)
{
	static const struct field fields[] = {
		{"prefix", entry_prefix, true},
		{"expires", entry_expires, false},
		{"ttl", entry_ttl, false},
		{"reason", entry_reason, false},
	};

	if (json_is_string(node->json))
		return parse_prefix(parse, node, &entry->prefix);
	if (!json_is_object(node->json))
		return node_error(parse, node, ERROR_INVALID,
				  "must be a prefix or an object with one");
	return parse_fields(parse, node, fields, COUNT(fields), entry);
}

static int set_entry(struct parse *parse, const struct node *node, struct set_params *set)
{
	struct entry_params entry = {0};
	int result = parse_entry(parse, node, &entry);

	if (result == 0 && entries_find(&set->entries, &entry.prefix))
		result = node_error(parse, node, ERROR_INVALID, "is in the list already");
	if (result == 0 && entries_put(&set->entries, &entry) != 0)
		result = parse_no_memory(parse, node);
	if (result != 0)
		reason_unref(entry.reason);
	return result;
}

static int set_entries(struct parse *parse, const struct node *node, void *out)
{
	struct set_params *set = out;
	size_t count;

	if (parse_many(parse, node, JSON_ARRAY, SIZE_MAX, &count))
		return -1;
	if (count > CAP_SET_ENTRIES - parse->entries)
		return node_error(parse, node, ERROR_CAPACITY,
				  "makes more than %d entries of all sets", CAP_SET_ENTRIES);
	parse->entries += count;
	for (size_t i = 0; i < count; i++) {
		struct node child = node_element(node, i);

		if (set_entry(parse, &child, set))
			return -1;
	}
	return 0;
}

static int set_verdict_word(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {"allow", "block"};
	struct set_params *set = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	set->verdict = word == 0 ? SET_ALLOW : SET_BLOCK;
	return 0;
}

int parse_sets(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"verdict", set_verdict_word, true},
		{"entries", set_entries, true},
	};
	struct policy *policy = out;
	const char *name;
	json_t *value;
	size_t count;

	if (parse_many(parse, node, JSON_OBJECT, CAP_SETS, &count))
		return -1;
	policy->sets = parse_alloc(parse, node, count, sizeof *policy->sets);
	if (!policy->sets)
		return -1;
	json_object_foreach (node->json, name, value) {
		struct node child = node_member(node, name);
		size_t index = policy->set_count++;
		struct set_params *set = &policy->sets[index];

		if (parse_name(parse, &child, NAME_SET, name, index, &set->name) ||
		    parse_fields(parse, &child, fields, COUNT(fields), set))
			return -1;
	}
	return 0;
}
