/* SPDX-License-Identifier: BSD-3-Clause */
/* See traffic.h. */
#include "traffic.h"

#include <math.h>

enum { FIRST_BLOCKED = 1 << 30, FIRST_ADDRESS = 0x20000000 /* 32.0.0.0 */ };

uint32_t traffic_blocked(uint32_t i)
{
	return FIRST_BLOCKED + i;
}

/* An invertible mix of 32 bits: "lowbias32" of C. Wellons, Prospecting for Hash Functions. */
static uint32_t mix(uint32_t x)
{
	x = (x ^ x >> 16) * UINT32_C(0x7feb352d);
	x = (x ^ x >> 15) * UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

/* No host has an address in 0/8, 10/8, 127/8 or from 224.0.0.0 on. */
static bool host_has(uint32_t address)
{
	uint32_t first = address >> 24;

	return first != 0 && first != 10 && first != 127 && first < 224;
}

/* Mixed until it is one that a host has, no two numbers meet: the mix is a permutation. */
uint32_t traffic_address(uint32_t source)
{
	uint32_t address = FIRST_ADDRESS + source;

	do
		address = mix(address);
	while (!host_has(address));
	return address;
}

/* Where registries have given out most. */
uint64_t traffic_network6(uint32_t source)
{
	static const uint16_t first[8] = {0x2001, 0x2400, 0x2405, 0x2600,
					  0x2804, 0x2a00, 0x2a02, 0x2a0f};
	uint32_t mixed = mix(source);

	return (uint64_t)first[mixed % 8] << 48 | (uint64_t)mixed << 16;
}

void traffic_init(struct traffic *traffic, enum traffic_shape shape, uint32_t sources,
		  uint32_t blocked)
{
	*traffic = (struct traffic){
		.shape = shape,
		.sources = sources,
		.blocked = blocked,
		.fresh = sources,
		.zipf_first = log(1.5) - 1,
		.zipf_last = log(sources + 0.5),
		.zipf_sure = 2 - exp(log(2.5) - 0.5),
		.random = {UINT64_C(0x9e3779b97f4a7c15)},
	};
}

/* Rejection-inversion (Hoermann and Derflinger 1996), for exponent 1. */
static uint32_t zipf_next(struct traffic *traffic)
{
	for (;;) {
		double u = traffic->zipf_last + random_unit(&traffic->random) *
							(traffic->zipf_first - traffic->zipf_last);
		double x = exp(u), rank = fmax(1, fmin(floor(x + 0.5), traffic->sources));

		if (rank - x <= traffic->zipf_sure || u >= log(rank + 0.5) - 1 / rank)
			return (uint32_t)rank - 1;
	}
}

uint32_t traffic_next(struct traffic *traffic)
{
	if (traffic->shape == TRAFFIC_FLOOD)
		return traffic->fresh++;
	if (traffic->shape == TRAFFIC_REFUSED ||
	    random_below(&traffic->random, TRAFFIC_BLOCKED_EVERY) == 0)
		return traffic_blocked(random_below(&traffic->random, traffic->blocked));
	return traffic->shape == TRAFFIC_ZIPF ? zipf_next(traffic)
					      : random_below(&traffic->random, traffic->sources);
}
