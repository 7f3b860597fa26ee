/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to "what would happen to this packet?". See explain.h. */
#include "explain/explain.h"

#include "policy/policy.h"
#include "policy/protocol.h"
#include "decide.h"

#include <stdlib.h>
#include <string.h>

static int parse_protocol(const char *text, uint8_t *protocol)
{
	size_t digits = strspn(text, "0123456789");
	long number = protocol_number(text);

	if (number < 0 && digits >= 1 && digits <= 3 && text[digits] == '\0')
		number = strtol(text, NULL, 10);
	if (number < 0 || number > UINT8_MAX)
		return -1;
	*protocol = (uint8_t)number;
	return 0;
}

static json_t *print_protocol(uint8_t protocol)
{
	const char *name = protocol_name(protocol);

	return name ? json_string(name) : json_sprintf("%u", protocol);
}

static int parse_address(const char *text, const char *path, struct prefix *address,
			 struct error *error)
{
	const char *why;

	if (prefix_parse(text, address, &why))
		return error_set(error, ERROR_INVALID, path, "%s", why);
	if (address->length != (address->ip6 ? 128 : 32))
		return error_set(error, ERROR_INVALID, path, "is a prefix, not an address");
	return 0;
}

int explain_packet(const char *source, const char *destination, int port, const char *protocol,
		   struct packet *packet, struct error *error)
{
	struct prefix from, to;
	struct packet built = {0};

	if (parse_address(source, "source", &from, error) ||
	    parse_address(destination, "destination", &to, error))
		return -1;
	if (from.ip6 != to.ip6)
		return error_set(error, ERROR_INVALID, "destination",
				 "is not of the source's address family");
	if (parse_protocol(protocol, &built.protocol))
		return error_set(error, ERROR_INVALID, "protocol",
				 "is neither a protocol's name nor 0 to 255");
	if (built.protocol == PROTO_TCP || built.protocol == PROTO_UDP)
		built.flags = PACKET_PORTS | PACKET_OPENS;
	else if (port != EXPLAIN_NO_PORT)
		return error_set(error, ERROR_INVALID, "port", "only TCP and UDP have ports");
	if (port < EXPLAIN_NO_PORT || port > UINT16_MAX)
		return error_set(error, ERROR_INVALID, "port", "is not 0 to 65535");
	built.kind = from.ip6 ? PACKET_IP6 : PACKET_IP4;
	built.ethertype = from.ip6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
	built.source = from.address;
	built.destination = to.address;
	built.destination_port = port == EXPLAIN_NO_PORT ? 0 : (uint16_t)port;
	*packet = built;
	return 0;
}

static json_t *print_address(bool ip6, struct address address)
{
	char text[PREFIX_TEXT];

	address_print(ip6, address, text);
	return json_string(text);
}

static json_t *print_country(const struct image *image, const struct packet *packet)
{
	const struct origin *origin =
		&image->origins[origin_find(image, packet->kind == PACKET_IP6, packet->source)];

	return origin->country[0] ? json_stringn(origin->country, 2) : json_null();
}

/* The rule's share and where this source falls in it; nulls without a rule. */
static int add_share(json_t *answer, const struct image *image, const struct packet *packet,
		     const struct rule *rule)
{
	char admit[8];

	if (rule)
		policy_print_percentage(rule->admit_bp, admit);
	return json_object_set_new(answer, "admit", rule ? json_string(admit) : json_null()) ||
	       json_object_set_new(answer, "hash",
				   json_integer(shed_hash(image->salt, packet->kind == PACKET_IP6,
							  packet->source))) ||
	       json_object_set_new(answer, "threshold",
				   rule ? json_integer((json_int_t)rule->admit) : json_null());
}

json_t *explain(const struct image *image, const struct packet *packet, uint64_t now_ns)
{
	bool ended, ip6 = packet->kind == PACKET_IP6;
	const struct rule *rule;
	struct decision decision;
	json_t *answer;

	ended = decide_match(image, packet, now_ns, &decision);
	rule = ended ? NULL : &image->rules[decision.rule];
	if (rule && rule_admits(image, rule, packet)) {
		decision.verdict = VERDICT_PASS;
		decision.reason = REASON_ADMITTED;
	} else if (rule) {
		decision.verdict = rule->otherwise;
		decision.reason = REASON_SHED;
	}
	answer = json_pack(
		"{so, so, so, so, so, ss?, ss?}", "source", print_address(ip6, packet->source),
		"destination", print_address(ip6, packet->destination), "port",
		packet->flags & PACKET_PORTS ? json_integer(packet->destination_port) : json_null(),
		"protocol", print_protocol(packet->protocol), "origin",
		print_country(image, packet), "service",
		image_service_name(image, decision.service), "rule",
		image_rule_name(image, decision.rule));
	if (answer == NULL)
		return NULL;
	if (add_share(answer, image, packet, rule) ||
	    json_object_set_new(answer, "verdict", json_string(verdict_word(decision.verdict))) ||
	    json_object_set_new(answer, "reason", json_string(reason_word(decision.reason)))) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}
