/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet parser: one frame in, one struct packet out, never a read past what is
 * readable. The rules are those of docs/policy.md, "What is malformed".
 *
 * A frame may be longer than what can be read of it here (a capture's snap length, a
 * frame in several buffers): `length` is the whole frame, `readable` how much of it
 * lies at `frame`. Headers beyond `readable` make it malformed; data beyond it does not,
 * and the start of a QUIC header counts as data.
 */
#pragma once

#include "caps.h"
#include "packet.h"
#include "wire.h"
#include "word.h"

/*
 * The most a caller need make readable: Ethernet, two tags, the largest IPv6 header chain
 * and TCP with options (which is longer than UDP and the start of a QUIC header).
 */
enum { PARSE_READABLE = 14 + 8 + 40 + CAP_EXTENSION_BYTES + 60 };

struct cursor {
	const uint8_t *at;
	uint32_t readable; /* bytes that may be read at `at` */
	uint32_t length;   /* bytes the layer at `at` has, readable or not */
};

static inline bool cursor_has(const struct cursor *c, uint32_t bytes)
{
	return bytes <= c->readable && bytes <= c->length;
}

/* Step over `bytes`, which cursor_has() confirmed. */
static inline void cursor_skip(struct cursor *c, uint32_t bytes)
{
	c->at += bytes;
	c->readable -= bytes;
	c->length -= bytes;
}

/* Forget what follows the first `bytes` of the layer: padding, or data not its own. */
static inline void cursor_trim(struct cursor *c, uint32_t bytes)
{
	c->length = bytes;
	if (c->readable > bytes)
		c->readable = bytes;
}

/* RFC 9000 section 17.2.2 and RFC 9369 section 3.2: a long header, fixed bit, Initial. */
static inline bool parse_opens_quic(const struct cursor *payload)
{
	uint32_t version;
	uint8_t first;

	if (!cursor_has(payload, 5))
		return false;
	first = payload->at[0] & 0xf0;
	version = wire_u32(payload->at + 1);
	return (version == 0x00000001 && first == 0xc0) || (version == 0x6b3343cf && first == 0xd0);
}

static inline bool parse_tcp(struct cursor *c, struct packet *packet)
{
	uint32_t header;

	if (!cursor_has(c, 20))
		return false;
	header = (c->at[12] >> 4) * 4u;
	if (header < 20 || header > c->length)
		return false;
	if ((c->at[13] & 0x12) == 0x02)
		packet->flags |= PACKET_OPENS;
	return true;
}

static inline bool parse_udp(struct cursor *c, struct packet *packet)
{
	struct cursor payload = *c;

	if (!cursor_has(c, 8))
		return false;
	cursor_skip(&payload, 8);
	if (parse_opens_quic(&payload))
		packet->flags |= PACKET_OPENS;
	return true;
}

static inline bool parse_icmp6(struct cursor *c, struct packet *packet, uint8_t hop_limit)
{
	if (!cursor_has(c, 4))
		return false;
	if (packet->kind == PACKET_IP6 && hop_limit == 255 && c->at[0] >= 133 && c->at[0] <= 137)
		packet->flags |= PACKET_ND;
	return true;
}

/* The transport header of an unfragmented packet or a first fragment. */
static inline bool parse_transport(struct cursor *c, struct packet *packet, uint8_t hop_limit)
{
	switch (packet->protocol) {
	case PROTO_TCP:
		if (!parse_tcp(c, packet))
			return false;
		break;
	case PROTO_UDP:
		if (!parse_udp(c, packet))
			return false;
		break;
	case PROTO_ICMP:
		return cursor_has(c, 4);
	case PROTO_ICMP6:
		return parse_icmp6(c, packet, hop_limit);
	default:
		return true;
	}
	packet->flags |= PACKET_PORTS;
	packet->source_port = wire_u16(c->at);
	packet->destination_port = wire_u16(c->at + 2);
	return true;
}

static inline bool parse_ip4(struct cursor *c, struct packet *packet)
{
	uint32_t header, total;

	packet->kind = PACKET_IP4;
	if (!cursor_has(c, 20))
		return false;
	header = (c->at[0] & 0x0f) * 4u;
	total = wire_u16(c->at + 2);
	if (c->at[0] >> 4 != 4 || header < 20 || header > total || total > c->length)
		return false;
	packet->source.lo = wire_u32(c->at + 12);
	packet->destination.lo = wire_u32(c->at + 16);
	packet->protocol = c->at[9];
	if (!cursor_has(c, header))
		return false;
	if (wire_u16(c->at + 6) & 0x1fff) {
		packet->flags |= PACKET_FRAGMENT;
		return true;
	}
	cursor_trim(c, total);
	cursor_skip(c, header);
	return parse_transport(c, packet, 0);
}

/* The size of the extension header at `c` of type `protocol`; 0 where it is none. */
static inline uint32_t parse_extension_size(const struct cursor *c, uint8_t protocol)
{
	switch (protocol) {
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_DSTOPTS:
		return (c->at[1] + 1u) * 8;
	case PROTO_AH:
		return (c->at[1] + 2u) * 4;
	case PROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static inline bool parse_is_extension(uint8_t protocol)
{
	return protocol == PROTO_HOPOPTS || protocol == PROTO_ROUTING ||
	       protocol == PROTO_FRAGMENT || protocol == PROTO_AH || protocol == PROTO_DSTOPTS;
}

/* Walk to the transport header, or to the fragment header of a later fragment. */
static inline bool parse_extensions(struct cursor *c, struct packet *packet)
{
	const struct cursor first = *c;
	uint32_t walked = 0;

	for (uint32_t count = 0; parse_is_extension(packet->protocol); count++) {
		uint8_t type = packet->protocol;
		uint32_t size;

		if (count == CAP_EXTENSIONS || !cursor_has(c, 8))
			return false;
		size = parse_extension_size(c, type);
		walked += size;
		if (walked > CAP_EXTENSION_BYTES || !cursor_has(c, size))
			return false;
		packet->protocol = c->at[0];
		if (type == PROTO_FRAGMENT && wire_u16(c->at + 2) & 0xfff8) {
			packet->flags |= PACKET_FRAGMENT;
			return true;
		}
		/* From the first one on, so that the verifier sees how far that can be. */
		*c = first;
		cursor_skip(c, walked);
	}
	return true;
}

static inline bool parse_ip6(struct cursor *c, struct packet *packet)
{
	uint32_t payload;
	uint8_t hop_limit;

	packet->kind = PACKET_IP6;
	if (!cursor_has(c, 40))
		return false;
	payload = wire_u16(c->at + 4);
	if (c->at[0] >> 4 != 6 || 40 + payload > c->length)
		return false;
	packet->source = (struct address){wire_u64(c->at + 8), wire_u64(c->at + 16)};
	packet->destination = (struct address){wire_u64(c->at + 24), wire_u64(c->at + 32)};
	packet->protocol = c->at[6];
	hop_limit = c->at[7];
	cursor_trim(c, 40 + payload);
	cursor_skip(c, 40);
	if (!parse_extensions(c, packet))
		return false;
	return packet->flags & PACKET_FRAGMENT || parse_transport(c, packet, hop_limit);
}

/* Step over Ethernet and at most two VLAN tags, leaving the innermost EtherType. */
static inline bool parse_ethernet(struct cursor *c, struct packet *packet)
{
	if (!cursor_has(c, 14))
		return false;
	packet->ethertype = wire_u16(c->at + 12);
	cursor_skip(c, 14);
	for (int tags = 0;
	     packet->ethertype == ETHERTYPE_VLAN || packet->ethertype == ETHERTYPE_QINQ; tags++) {
		if (tags == 2 || !cursor_has(c, 4))
			return false;
		packet->ethertype = wire_u16(c->at + 2);
		cursor_skip(c, 4);
	}
	return true;
}

static inline bool parse_layers(struct cursor *c, struct packet *packet)
{
	if (!parse_ethernet(c, packet))
		return false;
	switch (packet->ethertype) {
	case ETHERTYPE_IP4:
		return parse_ip4(c, packet);
	case ETHERTYPE_IP6:
		return parse_ip6(c, packet);
	default:
		packet->kind = PACKET_OTHER;
		return true;
	}
}

/*
 * The transport header of a packet that is TCP of `bytes`, at least 20, or UDP with at least 5 of
 * payload. False: it is neither.
 */
static inline bool parse_plain_transport(const uint8_t *at, uint32_t bytes, uint8_t protocol,
					 enum packet_kind kind, struct packet *packet)
{
	uint32_t ports = wire_u32(at);
	bool opens;

	if (protocol == PROTO_TCP) {
		uint32_t header = (at[12] & 0xf0) >> 2;

		if (header - 20 > bytes - 20)
			return false;
		opens = (at[13] & 0x12) == 0x02;
	} else if (protocol == PROTO_UDP) {
		const struct cursor payload = {at + 8, 5, 5};

		opens = parse_opens_quic(&payload);
	} else {
		return false;
	}
	packet->source_port = (uint16_t)(ports >> 16);
	packet->target = (ports & 0xffff) | (uint64_t)kind << TARGET_KIND_SHIFT |
			 (uint64_t)(PACKET_PORTS | (opens ? PACKET_OPENS : 0))
				 << TARGET_FLAGS_SHIFT |
			 (uint64_t)protocol << TARGET_PROTOCOL_SHIFT;
	return true;
}

static inline bool parse_plain_ip4(const uint8_t *at, uint32_t bytes, struct packet *packet)
{
	uint32_t total = wire_u16(at + 2);
	uint64_t addresses = wire_u64(at + 12);

	if (at[0] != 0x45 || wire_u16(at + 6) & 0xbfff || total - 40 > bytes - 40)
		return false;
	packet->source = (struct address){0, addresses >> 32};
	packet->destination = (struct address){0, (uint32_t)addresses};
	return parse_plain_transport(at + 20, total - 20, at[9], PACKET_IP4, packet);
}

static inline bool parse_plain_ip6(const uint8_t *at, uint32_t bytes, struct packet *packet)
{
	uint32_t payload = wire_u16(at + 4);

	if (at[0] >> 4 != 6 || payload - 20 > bytes - 60)
		return false;
	packet->source = (struct address){wire_u64(at + 8), wire_u64(at + 16)};
	packet->destination = (struct address){wire_u64(at + 24), wire_u64(at + 32)};
	return parse_plain_transport(at + 40, payload, at[6], PACKET_IP6, packet);
}

/*
 * Parse a frame that is what most are: untagged or with one tag, no option, no extension
 * header, no fragment, and data enough to tell what it opens. False: it is not, *packet is
 * undefined, and parse_slowly() must look at it. Where both parse, they agree.
 */
static inline bool parse_plain(const uint8_t *frame, uint32_t readable, uint32_t length,
			       struct packet *packet)
{
	uint16_t ethertype;
	uint32_t header = 14;

	if (readable < 18 + 40)
		return false;
	ethertype = wire_u16(frame + 12);
	if (__builtin_expect(ethertype == ETHERTYPE_VLAN, false)) {
		ethertype = wire_u16(frame + 16);
		header = 18;
	}
	packet->length = length;
	packet->ethertype = ethertype;
	if (ethertype == ETHERTYPE_IP4)
		return parse_plain_ip4(frame + header, length - header, packet);
	if (ethertype == ETHERTYPE_IP6 && readable >= header + 60)
		return parse_plain_ip6(frame + header, length - header, packet);
	return false;
}

/* Parse any frame: parse_frame() without the short cut. */
SELDOM void parse_slowly(const uint8_t *frame, uint32_t readable, uint32_t length,
			 struct packet *packet)
{
	struct cursor c = {frame, readable, length};

	*packet = (struct packet){.length = length};
	if (!parse_layers(&c, packet))
		*packet = (struct packet){.length = length, .kind = PACKET_MALFORMED};
}

/*
 * Parse the Ethernet frame of `length` bytes, the first `readable` of which lie at
 * `frame`, into *packet, which is overwritten whole.
 */
static inline void parse_frame(const uint8_t *frame, uint32_t readable, uint32_t length,
			       struct packet *packet)
{
	if (!parse_plain(frame, readable, length, packet))
		parse_slowly(frame, readable, length, packet);
}
