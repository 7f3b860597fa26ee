/* SPDX-License-Identifier: BSD-3-Clause */
/* Port classes: which services a packet may be for by protocol and port, destination aside. */
#pragma once

#include "compile/intern.h"
#include "policy/policy.h"

enum { PORTS = 65536, PROTOCOLS = 256 };

struct ports {
	struct classes classes;
	uint16_t *tcp, *udp;          /* [PORTS] */
	uint16_t protocol[PROTOCOLS]; /* of packets that have no ports */
	uint16_t fragment[PROTOCOLS]; /* of later fragments */
};

/* 0, -ENOMEM, or -E2BIG past CAP_CLASSES; for ports_free() either way. */
int ports_build(const struct policy *policy, struct ports *ports);

void ports_free(struct ports *ports);
