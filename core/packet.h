/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parser learns about one frame, in host byte order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BURST_MOST = 64 }; /* packets that are decided, and counted, together */

enum packet_kind {
	PACKET_MALFORMED, /* only `length` is meaningful */
	PACKET_OTHER,     /* neither IPv4 nor IPv6; `ethertype` says what */
	PACKET_IP4,
	PACKET_IP6,
};

enum packet_flag {
	PACKET_PORTS = 1,    /* source and destination port are known */
	PACKET_FRAGMENT = 2, /* a later fragment: has no ports, only a protocol */
	PACKET_OPENS = 4,    /* opens a connection: SYN without ACK, or a QUIC Initial */
	PACKET_ND = 8,       /* ICMPv6 types 133 to 137 with hop limit 255 */
};

enum {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
};

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_ICMP6 = 58,
	PROTO_DSTOPTS = 60,
};

/* An address: IPv4 sits in the low 32 bits of `lo`, with `hi` zero. */
struct address {
	uint64_t hi, lo;
};

struct packet {
	struct address source, destination;
	uint32_t length; /* bytes of the whole frame, without FCS */
	uint16_t ethertype;
	uint16_t source_port;
	union {
		struct {
			uint16_t destination_port;
			uint8_t kind;     /* enum packet_kind */
			uint8_t flags;    /* of enum packet_flag */
			uint8_t protocol; /* of the innermost header that was reached */
			uint8_t pad[3];
		};
		uint64_t target; /* all of these, from the low end: see packet_target() */
	};
};
_Static_assert(sizeof(struct packet) == 48, "no hidden padding: packets compare by memory");

enum { TARGET_KIND_SHIFT = 16, TARGET_FLAGS_SHIFT = 24, TARGET_PROTOCOL_SHIFT = 32 };
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packet->target is read as one word");

/*
 * What a packet is of and for, beside its addresses, in one word: family, protocol, destination
 * port and whether it has any. Packets from one source that agree in this and in the destination
 * meet the same rule.
 */
static inline uint64_t packet_target(const struct packet *packet)
{
	return packet->target & ~((uint64_t)(PACKET_OPENS | PACKET_ND) << TARGET_FLAGS_SHIFT);
}

/* The key that limits and shedding act on: the IPv4 address, or an IPv6 address's /64. */
static inline uint64_t source_key(bool ip6, struct address source)
{
	return ip6 ? source.hi : source.lo;
}
