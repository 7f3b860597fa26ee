/* SPDX-License-Identifier: BSD-3-Clause */
/* One table, both ways. */
#include "policy/protocol.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	int number;
} protocols[] = {
	{"tcp", 6},    {"udp", 17}, {"icmp", 1}, {"icmpv6", 58},
	{"sctp", 132}, {"gre", 47}, {"esp", 50}, {"ah", 51},
};
enum { PROTOCOLS = sizeof protocols / sizeof protocols[0] };

int protocol_number(const char *name)
{
	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (strcmp(protocols[i].name, name) == 0)
			return protocols[i].number;
	}
	return -1;
}

const char *protocol_name(int number)
{
	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (protocols[i].number == number)
			return protocols[i].name;
	}
	return NULL;
}
