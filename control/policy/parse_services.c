/* SPDX-License-Identifier: BSD-3-Clause */
/* What packets are for: services, where they may be diverted to, and what is guarded. */
#include "policy/parse.h"
#include "policy/protocol.h"
#include "policy/text.h"

static int read_port(struct parse *parse, const struct node *node, uint16_t *port)
{
	uint64_t number;

	if (parse_integer(parse, node, 1, UINT16_MAX, &number))
		return -1;
	*port = (uint16_t)number;
	return 0;
}

/* A bit for each port of a list, to find the second of two. */
struct seen_ports {
	uint64_t bits[65536 / 64];
};

static int refuse_seen(struct parse *parse, const struct node *node, struct seen_ports *seen,
		       uint16_t port)
{
	uint64_t bit = UINT64_C(1) << port % 64;

	if (seen->bits[port / 64] & bit)
		return node_error(parse, node, ERROR_INVALID, "is in the list already");
	seen->bits[port / 64] |= bit;
	return 0;
}

static int guard_sources(struct parse *parse, const struct node *node, void *out)
{
	struct guard_params *guard = out;

	return parse_prefixes(parse, node, CAP_PREFIXES, &guard->sources);
}

static int guard_destinations(struct parse *parse, const struct node *node, void *out)
{
	struct guard_params *guard = out;

	return parse_prefixes(parse, node, CAP_PREFIXES, &guard->destinations);
}

static int guard_port_proto(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {"tcp", "udp"};
	struct guard_port *port = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	port->protocol = (uint8_t)protocol_number(words[word]);
	return 0;
}

static int guard_port_port(struct parse *parse, const struct node *node, void *out)
{
	struct guard_port *port = out;

	return read_port(parse, node, &port->port);
}

static int guard_ports(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"proto", guard_port_proto, true},
		{"port", guard_port_port, true},
	};
	struct guard_params *guard = out;
	struct seen_ports tcp = {0}, udp = {0};
	size_t count;

	if (parse_many(parse, node, JSON_ARRAY, SIZE_MAX, &count))
		return -1;
	guard->ports = parse_alloc(parse, node, count, sizeof *guard->ports);
	if (!guard->ports)
		return -1;
	for (; guard->port_count < count; guard->port_count++) {
		struct node child = node_element(node, guard->port_count);
		struct guard_port *port = &guard->ports[guard->port_count];

		if (parse_fields(parse, &child, fields, COUNT(fields), port) ||
		    refuse_seen(parse, &child, port->protocol == PROTO_TCP ? &tcp : &udp,
				port->port))
			return -1;
	}
	return 0;
}

int parse_guard(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"sources", guard_sources, false},
		{"destinations", guard_destinations, false},
		{"ports", guard_ports, false},
	};
	struct policy *policy = out;

	return parse_fields(parse, node, fields, COUNT(fields), &policy->guard);
}

static int fallback_mac(struct parse *parse, const struct node *node, void *out)
{
	struct fallback_params *fallback = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	if (text_mac(text, fallback->mac))
		return node_error(parse, node, ERROR_INVALID,
				  "must be the MAC address of one station, such as "
				  "\"02:00:00:00:0f:01\"");
	return 0;
}

static int fallback_vlan(struct parse *parse, const struct node *node, void *out)
{
	struct fallback_params *fallback = out;
	uint64_t vlan;

	if (parse_integer(parse, node, 1, 4094, &vlan))
		return -1;
	fallback->vlan = (uint16_t)vlan;
	return 0;
}

static int fallback_port(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {"server", "fallback"};
	struct fallback_params *fallback = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	fallback->port = word == 1;
	return 0;
}

int parse_fallbacks(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"mac", fallback_mac, true},
		{"vlan", fallback_vlan, false},
		{"port", fallback_port, false},
	};
	struct policy *policy = out;
	const char *name;
	json_t *value;
	size_t count;

	if (parse_many(parse, node, JSON_OBJECT, CAP_FALLBACKS, &count))
		return -1;
	policy->fallbacks = parse_alloc(parse, node, count, sizeof *policy->fallbacks);
	if (!policy->fallbacks)
		return -1;
	json_object_foreach (node->json, name, value) {
		struct node child = node_member(node, name);
		size_t index = policy->fallback_count++;
		struct fallback_params *fallback = &policy->fallbacks[index];

		if (parse_name(parse, &child, NAME_FALLBACK, name, index, &fallback->name) ||
		    parse_fields(parse, &child, fields, COUNT(fields), fallback))
			return -1;
	}
	return 0;
}

static int refuse_empty(struct parse *parse, const struct node *node, size_t count)
{
	if (count == 0)
		return node_error(parse, node, ERROR_INVALID,
				  "must not be empty: leave it out to mean any");
	return 0;
}

static int service_destinations(struct parse *parse, const struct node *node, void *out)
{
	struct service_params *service = out;
	struct prefix_list *list = &service->destinations;

	if (parse_prefixes(parse, node, CAP_PREFIXES, list))
		return -1;
	parse->destinations += list->count;
	if (parse->destinations > CAP_PREFIXES)
		return node_error(parse, node, ERROR_CAPACITY,
				  "makes more than %d destinations of all services", CAP_PREFIXES);
	return refuse_empty(parse, node, list->count);
}

static int service_proto(struct parse *parse, const struct node *node, void *out)
{
	struct service_params *service = out;
	const char *name = json_string_value(node->json);
	uint64_t number;

	if (!name) {
		if (parse_integer(parse, node, 0, UINT8_MAX, &number))
			return -1;
		service->protocol = (int)number;
		return 0;
	}
	service->protocol = protocol_number(name);
	if (service->protocol < 0)
		return node_error(parse, node, ERROR_INVALID,
				  "is not a protocol: tcp, udp, icmp, icmpv6, sctp, gre, esp, ah "
				  "or a number from 0 to 255");
	return 0;
}

static int service_ports(struct parse *parse, const struct node *node, void *out)
{
	struct service_params *service = out;
	struct seen_ports seen = {0};
	size_t count;

	if (service->protocol >= 0 && service->protocol != PROTO_TCP &&
	    service->protocol != PROTO_UDP)
		return node_error(parse, node, ERROR_INVALID, "needs proto tcp or udp, or none");
	if (parse_many(parse, node, JSON_ARRAY, SIZE_MAX, &count) ||
	    refuse_empty(parse, node, count))
		return -1;
	service->ports = parse_alloc(parse, node, count, sizeof *service->ports);
	if (!service->ports)
		return -1;
	for (; service->port_count < count; service->port_count++) {
		struct node child = node_element(node, service->port_count);
		uint16_t *port = &service->ports[service->port_count];

		if (read_port(parse, &child, port) || refuse_seen(parse, &child, &seen, *port))
			return -1;
	}
	return 0;
}

static int service_fallback(struct parse *parse, const struct node *node, void *out)
{
	struct service_params *service = out;

	return parse_reference(parse, node, NAME_FALLBACK, &service->fallback);
}

int parse_services(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"destinations", service_destinations, false},
		{"proto", service_proto, false},
		{"ports", service_ports, false},
		{"fallback", service_fallback, false},
	};
	struct policy *policy = out;
	const char *name;
	json_t *value;
	size_t count;

	if (parse_many(parse, node, JSON_OBJECT, CAP_SERVICES, &count))
		return -1;
	policy->services = parse_alloc(parse, node, count, sizeof *policy->services);
	if (!policy->services)
		return -1;
	json_object_foreach (node->json, name, value) {
		struct node child = node_member(node, name);
		size_t index = policy->service_count++;
		struct service_params *service = &policy->services[index];

		*service = (struct service_params){.protocol = -1, .fallback = NONE};
		if (parse_name(parse, &child, NAME_SERVICE, name, index, &service->name) ||
		    parse_fields(parse, &child, fields, COUNT(fields), service))
			return -1;
	}
	return 0;
}
