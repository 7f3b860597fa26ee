/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of every shape: both families, up to three tags, options, chains of extension headers,
 * fragments, and one in three damaged. Sources and destinations are what random_address() makes,
 * so that prefixes from random_prefix() hold many.
 */
#pragma once

#include "packet.h"
#include "policies.h"

enum { ANY_FRAME = 12000 };

struct any_frame {
	uint32_t size;
	uint8_t byte[ANY_FRAME];
};

static inline void any_put(struct any_frame *frame, uint64_t value, unsigned bytes)
{
	while (bytes > 0)
		frame->byte[frame->size++] = (uint8_t)(value >> (8 * --bytes));
}

static inline void any_zeros(struct any_frame *frame, unsigned bytes)
{
	memset(frame->byte + frame->size, 0, bytes);
	frame->size += bytes;
}

static inline void any_transport(struct any_frame *frame, uint8_t protocol)
{
	static const uint16_t ports[] = {80, 443, 53, 179, 9999};
	static const uint32_t versions[] = {0x00000001, 0x6b3343cf, 2};

	any_put(frame, 1024 + random_below(4), 2);
	any_put(frame, ports[random_below(5)], 2);
	if (protocol == PROTO_TCP) {
		any_zeros(frame, 8);
		any_put(frame, random_below(9) ? 0x50 : random_below(16) << 4, 1);
		any_put(frame, random_below(2) ? 0x02 : random_below(64), 1);
		any_zeros(frame, 6 + (random_below(4) ? 0 : 40));
	} else if (protocol == PROTO_ICMP6) {
		frame->byte[frame->size - 4] = (uint8_t)(128 + random_below(16));
	} else {
		any_zeros(frame, 4);
		any_put(frame, random_below(2) ? 0xc3 : 0xd3, 1);
		any_put(frame, versions[random_below(3)], 4);
	}
	any_zeros(frame, random_below(500) ? random_below(40) : 6000);
}

static inline void any_ip4(struct any_frame *frame, uint8_t protocol)
{
	uint32_t begin = frame->size, words = random_below(8) ? 5 : 5 + random_below(11);
	uint32_t fragment = random_below(12) ? 0x4000 : random_below(0x4000);

	any_put(frame, 0x4000 | words << 8, 2);
	any_zeros(frame, 4);
	any_put(frame, fragment, 2);
	any_put(frame, 64 << 8 | protocol, 2);
	any_zeros(frame, 2);
	any_put(frame, random_address(false).lo, 4);
	any_put(frame, random_address(false).lo, 4);
	any_zeros(frame, words * 4 - 20);
	any_transport(frame, protocol);
	frame->byte[begin + 2] = (uint8_t)((frame->size - begin) >> 8);
	frame->byte[begin + 3] = (uint8_t)(frame->size - begin);
}

/* A chain of extension headers; `next` is where the first is named. */
static inline void any_extensions(struct any_frame *frame, uint32_t next, uint8_t protocol)
{
	static const uint8_t types[] = {PROTO_HOPOPTS, PROTO_ROUTING, PROTO_FRAGMENT, PROTO_AH,
					PROTO_DSTOPTS};

	for (uint32_t i = random_below(3) ? 0 : random_below(10); i > 0; i--) {
		uint8_t type = types[random_below(5)];
		uint32_t more = random_below(12) ? random_below(3) : random_below(256);

		frame->byte[next] = type;
		next = frame->size;
		any_put(frame, type == PROTO_AH ? 2 * more : more, 2);
		any_put(frame, random_below(8) || type != PROTO_FRAGMENT ? 0 : 8, 2);
		any_zeros(frame, 4 + (type == PROTO_FRAGMENT ? 0 : more * 8));
	}
	frame->byte[next] = protocol;
}

static inline void any_ip6(struct any_frame *frame, uint8_t protocol)
{
	struct address source = random_address(true), destination = random_address(true);
	uint32_t begin = frame->size;

	any_put(frame, UINT64_C(0x60000000) << 32, 8);
	frame->byte[begin + 7] = random_below(2) ? 255 : 64;
	any_put(frame, source.hi, 8);
	any_put(frame, source.lo, 8);
	any_put(frame, destination.hi, 8);
	any_put(frame, destination.lo, 8);
	any_extensions(frame, begin + 6, protocol);
	any_transport(frame, protocol);
	frame->byte[begin + 4] = (uint8_t)((frame->size - begin - 40) >> 8);
	frame->byte[begin + 5] = (uint8_t)(frame->size - begin - 40);
}

static inline void any_damage(struct any_frame *frame)
{
	uint32_t near = frame->size < 100 ? frame->size : 100;

	if (random_below(6) == 0)
		frame->byte[random_below(near)] = (uint8_t)random_u64();
	if (random_below(6) == 0)
		frame->size = 14 + random_below(near);
	if (random_below(20) == 0)
		any_zeros(frame, random_below(20));
}

/* Make a frame, of at least an Ethernet header. */
static inline void any_fill(struct any_frame *frame)
{
	static const uint8_t protocols[] = {PROTO_TCP,  PROTO_TCP,   PROTO_UDP,
					    PROTO_ICMP, PROTO_ICMP6, 47};
	uint8_t protocol = protocols[random_below(6)];
	uint32_t kind = random_below(40);

	frame->size = 0;
	any_zeros(frame, 12);
	for (uint32_t tags = random_below(5) ? 0 : random_below(4); tags > 0; tags--)
		any_put(frame, random_below(2) ? 0x81000007 : 0x88a80007, 4);
	any_put(frame, kind == 0 ? 0x0806 : kind == 1 ? 0x88cc : kind < 20 ? 0x0800 : 0x86dd, 2);
	if (kind < 20)
		any_ip4(frame, protocol);
	else
		any_ip6(frame, protocol);
	if (random_below(3) == 0)
		any_damage(frame);
}
