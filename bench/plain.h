/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one would build from DPDK's libraries: rte_lpm for origins and prefixes of sets,
 * rte_hash for sources and single blocked addresses, an rte_meter for each source. Written as
 * well as we can: bursts, bulk look-ups, prefetches, vectors; the parser, the service and the
 * counters are Sluice's own. It decides IPv4 alone, and what it leaves out is to its advantage:
 * no expiry, no refund by a level that a later one refused, no eviction of idle sources.
 */
#pragma once

#include "burst.h"
#include "policy/policy.h"

struct plain;

/* For up to `sources` sources, in DPDK's heap `socket`. NULL: no memory, and that was said. */
struct plain *plain_open(const struct policy *policy, const struct image *image, uint32_t sources,
			 int socket);

void plain_close(struct plain *plain);

/* Bytes of DPDK's heap that one may take. */
size_t plain_bytes(uint32_t sources);

void plain_decide(struct plain *plain, struct burst *burst, struct worker_counters *counters,
		  uint64_t now_ns);
