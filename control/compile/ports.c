/* SPDX-License-Identifier: BSD-3-Clause */
/* Port classes. See ports.h. */
#include "compile/ports.h"

#include <errno.h>
#include <stdlib.h>

static bool speaks(const struct service_params *service, unsigned protocol)
{
	return service->protocol < 0 || (unsigned)service->protocol == protocol;
}

/* The class of a protocol: later fragments match services that name ports, others do not. */
static int class_protocol(const struct policy *policy, struct ports *ports, unsigned protocol,
			  bool fragment, uint16_t *class)
{
	uint16_t services[CAP_SERVICES];
	size_t count = 0;
	uint32_t number;
	int result;

	for (size_t i = 0; i < policy->service_count; i++) {
		const struct service_params *service = &policy->services[i];

		if (speaks(service, protocol) && (fragment || service->port_count == 0))
			services[count++] = (uint16_t)i;
	}
	result = classes_add(&ports->classes, 0, services, count, &number);
	if (result == 0)
		*class = (uint16_t)number;
	return result;
}

/* A service that names a port: ordered by port, then service. */
struct naming {
	uint16_t port, service;
};

static int compare_namings(const void *a, const void *b)
{
	const struct naming *x = a, *y = b;

	return x->port != y->port ? x->port - y->port : x->service - y->service;
}

static size_t list_namings(const struct policy *policy, unsigned protocol, struct naming *namings)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->service_count; i++) {
		const struct service_params *service = &policy->services[i];

		if (!speaks(service, protocol))
			continue;
		for (size_t j = 0; j < service->port_count; j++)
			namings[count++] = (struct naming){service->ports[j], (uint16_t)i};
	}
	qsort(namings, count, sizeof *namings, compare_namings);
	return count;
}

/* The services that name a port of [*at, count), together with those that name none. */
static int class_port(struct ports *ports, uint16_t portless, const struct naming *namings,
		      size_t count, size_t *at, uint16_t *class)
{
	uint16_t services[CAP_SERVICES];
	uint16_t port = namings[*at].port;
	size_t members = 0;
	uint32_t number;
	int result;

	for (; *at < count && namings[*at].port == port; ++*at) {
		if (members == 0 || services[members - 1] != namings[*at].service)
			services[members++] = namings[*at].service;
	}
	result = classes_add(&ports->classes, portless, services, members, &number);
	if (result == 0)
		*class = (uint16_t)number;
	return result;
}

static int class_ports(const struct policy *policy, struct ports *ports, unsigned protocol,
		       struct naming *namings, uint16_t *class)
{
	uint16_t portless = ports->protocol[protocol];
	size_t count = list_namings(policy, protocol, namings);
	size_t at = 0;
	int result = 0;

	for (unsigned port = 0; result == 0 && port < PORTS; port++) {
		if (at < count && namings[at].port == port)
			result = class_port(ports, portless, namings, count, &at, &class[port]);
		else
			class[port] = portless;
	}
	return result;
}

/* The portless classes come first, so that every class there is occurs in some table. */
static int class_all(const struct policy *policy, struct ports *ports, struct naming *namings)
{
	int result = classes_init(&ports->classes);

	for (unsigned i = 0; result == 0 && i < PROTOCOLS; i++) {
		result = class_protocol(policy, ports, i, false, &ports->protocol[i]);
		if (result == 0)
			result = class_protocol(policy, ports, i, true, &ports->fragment[i]);
	}
	if (result == 0)
		result = class_ports(policy, ports, PROTO_TCP, namings, ports->tcp);
	if (result == 0)
		result = class_ports(policy, ports, PROTO_UDP, namings, ports->udp);
	return result;
}

int ports_build(const struct policy *policy, struct ports *ports)
{
	size_t named = 0;
	struct naming *namings;
	int result = -ENOMEM;

	for (size_t i = 0; i < policy->service_count; i++)
		named += policy->services[i].port_count;
	namings = calloc(named + 1, sizeof *namings);
	ports->tcp = calloc(PORTS, sizeof *ports->tcp);
	ports->udp = calloc(PORTS, sizeof *ports->udp);
	if (namings && ports->tcp && ports->udp)
		result = class_all(policy, ports, namings);
	free(namings);
	return result;
}

void ports_free(struct ports *ports)
{
	classes_free(&ports->classes);
	free(ports->tcp);
	free(ports->udp);
}
