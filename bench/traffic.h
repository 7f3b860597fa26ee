/* SPDX-License-Identifier: BSD-3-Clause */
/* Who sends: sources by number, spread over the address space, and how often each does. */
#pragma once

#include "random.h"

#include <stdbool.h>

enum traffic_shape {
	TRAFFIC_UNIFORM,
	TRAFFIC_ZIPF,    /* the k-th busiest sends a k-th of what the busiest does */
	TRAFFIC_FLOOD,   /* every packet from a source that was never seen before */
	TRAFFIC_REFUSED, /* every packet from a source that the block set has an entry for */
};

enum {
	TRAFFIC_BLOCKED = 100000,    /* sources that the block set has, if none said otherwise */
	TRAFFIC_BLOCKED_EVERY = 128, /* they send one packet in so many */
};

struct traffic {
	enum traffic_shape shape;
	uint32_t sources, blocked;
	uint32_t fresh; /* the next that was never seen */
	double zipf_first, zipf_last, zipf_sure;
	struct random random;
};

/*
 * Of `sources` sources, and `blocked` others; a flood's are all the rest, from number `sources`
 * on.
 */
void traffic_init(struct traffic *traffic, enum traffic_shape shape, uint32_t sources,
		  uint32_t blocked);

/* The number of the next packet's source. */
uint32_t traffic_next(struct traffic *traffic);

/* The number of blocked source `i`, far from those that are not. */
uint32_t traffic_blocked(uint32_t i);

/* The address of a source: another for each number below 2^30 and a blocked source's. */
uint32_t traffic_address(uint32_t source);

/* Likewise its IPv6 network: the upper half of its address. */
uint64_t traffic_network6(uint32_t source);
