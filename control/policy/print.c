/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The document of a policy. Out of memory shows as NULL and travels upwards: put() and
 * add() refuse a NULL value and spoil what it should have gone into.
 */
#include "policy/policy.h"
#include "policy/protocol.h"
#include "policy/text.h"

#include <stdio.h>

/* Give `value` to the object, or drop the object; *object is NULL from then on. */
static void put(json_t **object, const char *key, json_t *value)
{
	if (json_object_set_new(*object, key, value) == 0)
		return;
	json_decref(*object);
	*object = NULL;
}

static void add(json_t **array, json_t *value)
{
	if (json_array_append_new(*array, value) == 0)
		return;
	json_decref(*array);
	*array = NULL;
}

static void put_text(json_t **object, const char *key, const char *text)
{
	put(object, key, json_string(text));
}

void policy_print_percentage(uint16_t admit_bp, char text[8])
{
	unsigned whole = admit_bp / 100, hundredths = admit_bp % 100;

	if (hundredths == 0)
		snprintf(text, 8, "%u%%", whole);
	else if (hundredths % 10 == 0)
		snprintf(text, 8, "%u.%u%%", whole, hundredths / 10);
	else
		snprintf(text, 8, "%u.%02u%%", whole, hundredths);
}

/* With the largest suffix that leaves a whole number; a bare number where none does. */
static json_t *print_quantity(uint64_t quantity)
{
	static const char suffixes[] = "kMG";
	const char *suffix = NULL;
	char text[24];

	for (const char *next = suffixes; *next && quantity % 1000 == 0; next++) {
		quantity /= 1000;
		suffix = next;
	}
	if (!suffix)
		return json_integer((json_int_t)quantity);
	snprintf(text, sizeof text, "%ju%c", (uintmax_t)quantity, *suffix);
	return json_string(text);
}

json_t *policy_print_limit(const struct rate_params *rate)
{
	json_t *limit = json_object();

	if (rate->pps)
		put(&limit, "pps", print_quantity(rate->pps));
	if (rate->bps)
		put(&limit, "bps", print_quantity(rate->bps));
	if (rate->burst)
		put(&limit, "burst", print_quantity(rate->burst));
	return limit;
}

static json_t *print_prefix(const struct prefix *prefix)
{
	char text[PREFIX_TEXT];

	prefix_print(prefix, text);
	return json_string(text);
}

json_t *policy_print_entry(const struct entry_params *entry)
{
	char time[TEXT_TIME];
	json_t *object;

	if (!entry->expires_ns && !entry->reason)
		return print_prefix(&entry->prefix);
	object = json_object();
	put(&object, "prefix", print_prefix(&entry->prefix));
	if (entry->expires_ns) {
		text_print_time(entry->expires_ns, time);
		put_text(&object, "expires", time);
	}
	if (entry->reason)
		put_text(&object, "reason", entry->reason);
	return object;
}

static json_t *print_prefixes(const struct prefix_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		add(&array, print_prefix(&list->prefixes[i]));
	return array;
}

static json_t *print_guard_ports(const struct guard_params *guard)
{
	json_t *array = json_array();

	for (size_t i = 0; i < guard->port_count; i++) {
		json_t *port = json_object();

		put_text(&port, "proto", protocol_name(guard->ports[i].protocol));
		put(&port, "port", json_integer(guard->ports[i].port));
		add(&array, port);
	}
	return array;
}

static json_t *print_guard(const struct guard_params *guard)
{
	json_t *object = json_object();

	if (guard->sources.count)
		put(&object, "sources", print_prefixes(&guard->sources));
	if (guard->destinations.count)
		put(&object, "destinations", print_prefixes(&guard->destinations));
	if (guard->port_count)
		put(&object, "ports", print_guard_ports(guard));
	return object;
}

static void add_entries(json_t **array, const struct entries *entries)
{
	struct entries_cursor cursor = entries_first(entries, ENTRIES_ALL, 0);
	const struct entry_params *entry;

	for (; (entry = entries_at(&cursor)); entries_next(&cursor))
		add(array, policy_print_entry(entry));
}

static json_t *print_sets(const struct policy *policy, bool with_entries)
{
	json_t *object = json_object();

	for (size_t i = 0; i < policy->set_count; i++) {
		const struct set_params *set = &policy->sets[i];
		json_t *printed = json_object(), *entries = json_array();

		if (with_entries)
			add_entries(&entries, &set->entries);
		put_text(&printed, "verdict", set->verdict == SET_ALLOW ? "allow" : "block");
		put(&printed, "entries", entries);
		put(&object, set->name, printed);
	}
	return object;
}

static json_t *print_feeds(const struct policy *policy)
{
	json_t *array = json_array();

	for (size_t i = 0; i < policy->feed_count; i++) {
		const struct feed_params *feed = &policy->feeds[i];
		json_t *object = json_object();

		put_text(&object, "type", feed->type == FEED_CSV ? "csv" : "libloc");
		if (feed->file)
			put_text(&object, "file", feed->file);
		add(&array, object);
	}
	return array;
}

static json_t *print_term(const struct policy *policy, const struct term *term)
{
	const char *sign = term->negative ? "!" : "";
	char prefix[PREFIX_TEXT];

	switch (term->type) {
	case TERM_COUNTRY:
		return json_sprintf("%scountry:%.2s", sign, term->country);
	case TERM_ASN:
		return json_sprintf("%sasn:%u", sign, term->asn);
	case TERM_PREFIX:
		prefix_print(&term->prefix, prefix);
		return json_sprintf("%sprefix:%s", sign, prefix);
	case TERM_GROUP:
		return json_sprintf("%sgroup:%s", sign, policy->groups[term->group].name);
	case TERM_UNMAPPED:
		return json_sprintf("%sunmapped", sign);
	default:
		return json_sprintf("%sany", sign);
	}
}

static json_t *print_origins(const struct policy *policy)
{
	json_t *object = json_object(), *groups = json_object();

	for (size_t i = 0; i < policy->group_count; i++) {
		const struct group_params *group = &policy->groups[i];
		json_t *terms = json_array();

		for (size_t j = 0; j < group->count; j++)
			add(&terms, print_term(policy, &group->terms[j]));
		put(&groups, group->name, terms);
	}
	if (policy->has_feeds)
		put(&object, "feeds", print_feeds(policy));
	if (policy->group_count)
		put(&object, "groups", groups);
	else
		json_decref(groups);
	return object;
}

static json_t *print_service(const struct policy *policy, const struct service_params *service)
{
	json_t *object = json_object(), *ports = json_array();
	const char *protocol = protocol_name(service->protocol);

	if (service->destinations.count)
		put(&object, "destinations", print_prefixes(&service->destinations));
	if (service->protocol >= 0)
		put(&object, "proto",
		    protocol ? json_string(protocol) : json_integer(service->protocol));
	for (size_t i = 0; i < service->port_count; i++)
		add(&ports, json_integer(service->ports[i]));
	if (service->port_count)
		put(&object, "ports", ports);
	else
		json_decref(ports);
	if (service->fallback != NONE)
		put_text(&object, "fallback", policy->fallbacks[service->fallback].name);
	return object;
}

static json_t *print_services(const struct policy *policy)
{
	json_t *object = json_object();

	for (size_t i = 0; i < policy->service_count; i++) {
		const struct service_params *service = &policy->services[i];

		put(&object, service->name, print_service(policy, service));
	}
	return object;
}

static json_t *print_fallbacks(const struct policy *policy)
{
	json_t *object = json_object();

	for (size_t i = 0; i < policy->fallback_count; i++) {
		const struct fallback_params *fallback = &policy->fallbacks[i];
		json_t *printed = json_object();
		char mac[TEXT_MAC];

		text_print_mac(fallback->mac, mac);
		put_text(&printed, "mac", mac);
		if (fallback->vlan)
			put(&printed, "vlan", json_integer(fallback->vlan));
		if (fallback->port)
			put_text(&printed, "port", "fallback");
		put(&object, fallback->name, printed);
	}
	return object;
}

static bool limits(const struct rate_params *rate)
{
	return rate->pps || rate->bps;
}

static json_t *print_rule_limit(const struct rule_params *rule)
{
	json_t *object = json_object();

	if (limits(&rule->source))
		put(&object, "source", policy_print_limit(&rule->source));
	if (limits(&rule->total))
		put(&object, "rule", policy_print_limit(&rule->total));
	return object;
}

static json_t *print_rule(const struct policy *policy, const struct rule_params *rule)
{
	json_t *object = json_object();
	char admit[8];

	policy_print_percentage(rule->admit_bp, admit);
	put_text(&object, "name", rule->name);
	if (rule->service != NONE)
		put_text(&object, "service", policy->services[rule->service].name);
	if (rule->origin != NONE)
		put_text(&object, "origin", policy->groups[rule->origin].name);
	if (rule->unmapped)
		put_text(&object, "standing", "unmapped");
	if (rule->admit_bp != 10000)
		put_text(&object, "admit", admit);
	if (rule->scope == SCOPE_NEW)
		put_text(&object, "scope", "new");
	if (rule->otherwise == VERDICT_DIVERT)
		put_text(&object, "else", "divert");
	if (limits(&rule->source) || limits(&rule->total))
		put(&object, "limit", print_rule_limit(rule));
	return object;
}

static json_t *print_rules(const struct policy *policy)
{
	json_t *array = json_array();

	for (size_t i = 0; i < policy->rule_count; i++)
		add(&array, print_rule(policy, &policy->rules[i]));
	return array;
}

static void print_settings(const struct policy *policy, bool with_salt, json_t **document)
{
	char salt[TEXT_SALT];

	put(document, "schema", json_integer(1));
	if (policy->name)
		put_text(document, "name", policy->name);
	if (with_salt && policy->has_salt) {
		text_print_salt(policy->salt, salt);
		put_text(document, "salt", salt);
	}
	if (policy->malformed != VERDICT_DROP)
		put_text(document, "malformed", "pass");
	if (policy->link_other != VERDICT_PASS)
		put_text(document, "link", "arp");
	if (policy->unmatched != VERDICT_PASS)
		put_text(document, "default", "drop");
}

static json_t *print(const struct policy *policy, bool with_salt, bool with_entries)
{
	const struct guard_params *guard = &policy->guard;
	json_t *document = json_object();

	print_settings(policy, with_salt, &document);
	if (guard->sources.count || guard->destinations.count || guard->port_count)
		put(&document, "guard", print_guard(guard));
	if (policy->set_count)
		put(&document, "sets", print_sets(policy, with_entries));
	if (policy->has_feeds || policy->group_count)
		put(&document, "origins", print_origins(policy));
	if (policy->service_count)
		put(&document, "services", print_services(policy));
	if (policy->fallback_count)
		put(&document, "fallbacks", print_fallbacks(policy));
	if (policy->rule_count)
		put(&document, "rules", print_rules(policy));
	if (limits(&policy->host))
		put(&document, "host", policy_print_limit(&policy->host));
	return document;
}

json_t *policy_print(const struct policy *policy, bool with_salt)
{
	return print(policy, with_salt, true);
}

json_t *policy_print_frame(const struct policy *policy)
{
	return print(policy, true, false);
}
