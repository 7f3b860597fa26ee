/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services, groups and rules against a model that walks the policy as it is written: random
 * policies over a random feed, random packets.
 */
#include "policies.h"

#include <unistd.h>

enum { ROUNDS = 120, PACKETS = 2000, POOL = 10, LINES = 40 };

static char folder[] = "/tmp/sluice-test-service-XXXXXX";

/* Prefixes to choose from, so that the same ones come up in several places. */
static struct prefix pool[POOL];

static const struct prefix *pool_prefix(void)
{
	return &pool[random_below(POOL)];
}

static json_t *pool_text(const char *before)
{
	char text[PREFIX_TEXT];

	prefix_print(pool_prefix(), text);
	return json_sprintf("%s%s", before, text);
}

/* The feed, as it is written to its file and as the model reads it. */
static struct feed_prefix lines[LINES];
static size_t line_count;

static bool listed(const struct prefix *prefix)
{
	for (size_t i = 0; i < line_count; i++) {
		if (prefix_compare(&lines[i].prefix, prefix) == 0)
			return true;
	}
	return false;
}

static void write_feed(void)
{
	char path[64], text[PREFIX_TEXT];
	FILE *file;

	snprintf(path, sizeof path, "%s/feed.csv", folder);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	line_count = 0;
	for (unsigned i = random_below(LINES); i > 0; i--) {
		struct feed_prefix line = {
			.prefix = random_below(3) ? *pool_prefix() : random_prefix(),
			.asn = random_below(4),
		};

		if (listed(&line.prefix))
			continue;
		if (!line.asn || random_below(4))
			line.country[0] = line.country[1] = (char)('A' + random_below(3));
		lines[line_count++] = line;
		prefix_print(&line.prefix, text);
		fprintf(file, "%s,%.2s,", text, line.country);
		fprintf(file, line.asn ? "AS%u\n" : "\n", line.asn);
	}
	fclose(file);
}

/* What the feed says of an address: NULL for nothing. */
static const struct feed_prefix *naive_feed(bool ip6, struct address address)
{
	const struct feed_prefix *found = NULL;

	for (size_t i = 0; i < line_count; i++) {
		if (prefix_holds(&lines[i].prefix, ip6, address) &&
		    (!found || lines[i].prefix.length > found->prefix.length))
			found = &lines[i];
	}
	return found;
}

static bool naive_group(const struct policy *policy, uint16_t group, const struct packet *packet);

static bool naive_term(const struct policy *policy, const struct term *term,
		       const struct packet *packet)
{
	bool ip6 = packet->kind == PACKET_IP6;
	const struct feed_prefix *from = naive_feed(ip6, packet->source);

	switch (term->type) {
	case TERM_COUNTRY:
		return from && memcmp(from->country, term->country, 2) == 0;
	case TERM_ASN:
		return from && from->asn == term->asn;
	case TERM_PREFIX:
		return prefix_holds(&term->prefix, ip6, packet->source);
	case TERM_GROUP:
		return naive_group(policy, term->group, packet);
	case TERM_UNMAPPED:
		return !from;
	default:
		return true;
	}
}

static bool naive_group(const struct policy *policy, uint16_t group, const struct packet *packet)
{
	const struct group_params *params = &policy->groups[group];
	bool positive = false, holds = false;

	for (size_t i = 0; i < params->count; i++) {
		const struct term *term = &params->terms[i];

		positive |= !term->negative;
		if (term->negative && naive_term(policy, term, packet))
			return false;
		holds |= !term->negative && naive_term(policy, term, packet);
	}
	return positive ? holds : naive_feed(packet->kind == PACKET_IP6, packet->source) != NULL;
}

static bool naive_port(const struct service_params *service, const struct packet *packet)
{
	if (service->port_count == 0 || packet->flags & PACKET_FRAGMENT)
		return true;
	for (size_t i = 0; i < service->port_count; i++) {
		if (packet->flags & PACKET_PORTS && service->ports[i] == packet->destination_port)
			return true;
	}
	return false;
}

static bool naive_destination(const struct service_params *service, const struct packet *packet)
{
	for (size_t i = 0; i < service->destinations.count; i++) {
		if (prefix_holds(&service->destinations.prefixes[i], packet->kind == PACKET_IP6,
				 packet->destination))
			return true;
	}
	return service->destinations.count == 0;
}

static uint16_t naive_service(const struct policy *policy, const struct packet *packet)
{
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct service_params *service = &policy->services[i];

		if (naive_destination(service, packet) && naive_port(service, packet) &&
		    (service->protocol < 0 || service->protocol == packet->protocol))
			return (uint16_t)i;
	}
	return NONE;
}

static uint16_t naive_rule(const struct policy *policy, const struct packet *packet)
{
	uint16_t service = naive_service(policy, packet);

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule_params *rule = &policy->rules[i];

		if ((rule->service == NONE || rule->service == service) &&
		    (rule->origin == NONE || naive_group(policy, rule->origin, packet)) &&
		    (!rule->unmapped || !naive_feed(packet->kind == PACKET_IP6, packet->source)))
			return (uint16_t)i;
	}
	return NONE;
}

static json_t *random_service(void)
{
	static const char *const protocols[] = {"tcp", "udp", "icmp", "gre"};
	json_t *service = json_object(), *list = json_array();
	unsigned protocol = random_below(6);

	for (unsigned i = random_below(4); i > 0; i--)
		json_array_append_new(list, pool_text(""));
	if (json_array_size(list))
		json_object_set_new(service, "destinations", list);
	else
		json_decref(list);
	if (protocol < 4)
		json_object_set_new(service, "proto", json_string(protocols[protocol]));
	if (protocol != 2 && protocol != 3 && random_below(3))
		json_object_set_new(
			service, "ports",
			json_pack("[i,i]", 80 + random_below(2), 443 + random_below(2)));
	return service;
}

static json_t *random_term(unsigned group)
{
	const char *sign = random_below(3) ? "" : "!";
	int letter = 'A' + (int)random_below(3);
	char before[16];

	switch (random_below(group ? 7 : 6)) {
	case 0:
	case 1:
		return json_sprintf("%scountry:%c%c", sign, letter, letter);
	case 2:
		return json_sprintf("%sasn:%d", sign, 1 + (int)random_below(2));
	case 3:
	case 4:
		snprintf(before, sizeof before, "%sprefix:", sign);
		return pool_text(before);
	case 5:
		return json_sprintf("%s%s", sign, random_below(4) ? "unmapped" : "any");
	default:
		return json_sprintf("%sgroup:g%u", sign, random_below(group));
	}
}

static json_t *random_rule(unsigned index)
{
	json_t *rule = json_pack("{s:o,s:s}", "name", json_sprintf("r%u", index), "admit", "50%");

	if (random_below(3))
		json_object_set_new(rule, "service", json_sprintf("s%u", random_below(6)));
	if (random_below(4))
		json_object_set_new(rule, "origin", json_sprintf("g%u", random_below(6)));
	if (random_below(6) == 0)
		json_object_set_new(rule, "standing", json_string("unmapped"));
	return rule;
}

static json_t *random_document(void)
{
	json_t *services = json_object(), *groups = json_object(), *rules = json_array();
	char name[8];

	for (unsigned i = 0; i < 6; i++) {
		json_t *terms = json_array();

		for (unsigned j = 1 + random_below(4); j > 0; j--)
			json_array_append_new(terms, random_term(i));
		snprintf(name, sizeof name, "g%u", i);
		json_object_set_new(groups, name, terms);
		snprintf(name, sizeof name, "s%u", i);
		json_object_set_new(services, name, random_service());
		json_array_append_new(rules, random_rule(i));
	}
	return json_pack("{s:i,s:{s:[{s:s,s:s}],s:o},s:o,s:o}", "schema", 1, "origins", "feeds",
			 "type", "csv", "file", "feed.csv", "groups", groups, "services", services,
			 "rules", rules);
}

/* A policy that parses: not all random ones do. */
static struct policy *random_policy(void)
{
	struct policy *policy = NULL;
	unsigned tries = 0;

	for (; !policy && tries < 1000; tries++) {
		json_t *document = random_document();
		char *text = json_dumps(document, 0);
		struct error error;

		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		policy_parse(text, strlen(text), 0, &policy, &error);
		json_decref(document);
		free(text);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	return policy;
}

static struct address random_inside(const struct prefix *prefix)
{
	struct address address = prefix->address;

	if (prefix->length < (prefix->ip6 ? 128 : 32))
		address.lo |= random_below(2);
	return address;
}

static struct packet random_packet(void)
{
	static const uint8_t protocols[] = {PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP, 47, 132};
	static const uint16_t ports[] = {80, 81, 443, 444, 1};
	struct packet packet = {.kind = random_u64() & 1 ? PACKET_IP6 : PACKET_IP4};
	bool ip6 = packet.kind == PACKET_IP6;

	packet.source = random_address(ip6);
	packet.destination = random_address(ip6);
	for (unsigned i = 0; i < 4; i++) {
		const struct prefix *prefix = pool_prefix();

		if (prefix->ip6 == ip6)
			*(i % 2 ? &packet.source : &packet.destination) = random_inside(prefix);
	}
	packet.protocol = protocols[random_below(6)];
	if (random_below(5) == 0)
		packet.flags = PACKET_FRAGMENT;
	else if (packet.protocol == PROTO_TCP || packet.protocol == PROTO_UDP)
		packet.flags = PACKET_PORTS;
	if (packet.flags & PACKET_PORTS)
		packet.destination_port = ports[random_below(5)];
	return packet;
}

/* A rule that the compiler says never decides does not; without it there is more to see. */
static void remove_covered(struct policy *policy, const struct error *error)
{
	unsigned rule, decided = 0;

	CU_ASSERT_EQUAL_FATAL(error->code, ERROR_INVALID);
	CU_ASSERT_EQUAL_FATAL(sscanf(error->path, "rules[%u]", &rule), 1);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct packet packet = random_packet();

		decided += naive_rule(policy, &packet) == rule;
	}
	CU_ASSERT_EQUAL(decided, 0);
	free(policy->rules[rule].name);
	policy->rule_count--;
	memmove(&policy->rules[rule], &policy->rules[rule + 1],
		(policy->rule_count - rule) * sizeof *policy->rules);
}

static void compare(const struct made *made)
{
	unsigned wrong_service = 0, wrong_rule = 0, wrong_country = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct packet packet = random_packet();
		const struct feed_prefix *from =
			naive_feed(packet.kind == PACKET_IP6, packet.source);
		struct target_facts target = target_find(&made->image, &packet);
		uint16_t origin =
			origin_find(&made->image, packet.kind == PACKET_IP6, packet.source);

		wrong_service += target.service != naive_service(made->policy, &packet);
		wrong_rule += made->image.choice[target.choices + origin] !=
			      naive_rule(made->policy, &packet);
		wrong_country += made->image.origins[origin].mapped != (from != NULL) ||
				 memcmp(made->image.origins[origin].country,
					from ? from->country : "\0", 2) != 0;
	}
	CU_ASSERT_EQUAL(wrong_service, 0);
	CU_ASSERT_EQUAL(wrong_rule, 0);
	CU_ASSERT_EQUAL(wrong_country, 0);
}

static void test_random(void)
{
	struct feed_paths paths = {.folder = folder};

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made = {0};
		struct error error;

		for (unsigned i = 0; i < POOL; i++)
			pool[i] = random_prefix();
		write_feed();
		made.policy = random_policy();
		while (made_compile(&made, &paths, &error) != 0)
			remove_covered(made.policy, &error);
		compare(&made);
		made_free(&made);
	}
}

/* Every port named, so that no port has the class of packets without ports. */
static void test_all_ports(void)
{
	struct policy *policy = policy_from(
		"{'schema':1,'origins':{'feeds':[]},'services':{'all':{'ports':[1,2]}}}");
	struct packet packet = {.kind = PACKET_IP4, .protocol = PROTO_UDP, .flags = PACKET_PORTS};
	struct service_params *service = &policy->services[0];
	struct made made;
	unsigned wrong = 0;

	free(service->ports);
	service->port_count = 65536;
	service->ports = calloc(service->port_count, sizeof *service->ports);
	CU_ASSERT_PTR_NOT_NULL_FATAL(service->ports);
	for (uint32_t port = 0; port < service->port_count; port++)
		service->ports[port] = (uint16_t)port;
	made_from(&made, policy);
	for (uint32_t port = 0; port < service->port_count; port++) {
		packet.destination_port = (uint16_t)port;
		wrong += service_find(&made.image, &packet) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	packet.flags = 0;
	CU_ASSERT_EQUAL(service_find(&made.image, &packet), NONE);
	packet.flags = PACKET_FRAGMENT;
	CU_ASSERT_EQUAL(service_find(&made.image, &packet), 0);
	made_free(&made);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"random policies", test_random},
		{"all ports", test_all_ports},
		CU_TEST_INFO_NULL,
	};
	char path[64];
	int result;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	result = suite_run("service", tests);
	snprintf(path, sizeof path, "%s/feed.csv", folder);
	unlink(path);
	rmdir(folder);
	return result;
}
