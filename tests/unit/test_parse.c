/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser: what it finds in good frames, and that every cut of every one of them is
 * refused without a read past its end (each cut lies in a heap block of exactly its size).
 */
#include "frame.h"
#include "parse.h"
#include "suite.h"

static struct packet parse(const struct frame *frame)
{
	struct packet packet;

	parse_frame(frame->bytes, frame->size, frame->size, &packet);
	return packet;
}

static struct frame tcp4(uint8_t flags)
{
	struct frame frame = frame_ethernet(ETHERTYPE_IP4);

	frame_ip4(&frame, PROTO_TCP, 0, 20);
	frame_tcp(&frame, 80, flags);
	return frame;
}

static struct frame udp6(void)
{
	struct frame frame = frame_ethernet(ETHERTYPE_IP6);

	frame_ip6(&frame, PROTO_UDP, 64, 8);
	frame_udp(&frame, 443, 0);
	return frame;
}

static struct frame icmp6(uint8_t type, uint8_t hop_limit)
{
	struct frame frame = frame_ethernet(ETHERTYPE_IP6);

	frame_ip6(&frame, PROTO_ICMP6, hop_limit, 4);
	frame_bytes(&frame, (uint8_t[]){type, 0, 0, 0}, 4);
	return frame;
}

/* `count` extension headers of `size` bytes each before TCP. */
static struct frame extended(unsigned count, uint32_t size)
{
	struct frame frame = frame_ethernet(ETHERTYPE_IP6);

	frame_ip6(&frame, count ? PROTO_DSTOPTS : PROTO_TCP, 64, (uint16_t)(count * size + 20));
	for (unsigned i = 1; i <= count; i++)
		frame_extension(&frame, i < count ? PROTO_DSTOPTS : PROTO_TCP, size);
	frame_tcp(&frame, 80, TCP_SYN);
	return frame;
}

static struct frame fragmented(uint16_t offset_and_flags, uint8_t protocol, uint32_t payload)
{
	struct frame frame = frame_ethernet(ETHERTYPE_IP6);

	frame_ip6(&frame, PROTO_FRAGMENT, 64, (uint16_t)(8 + payload));
	frame_fragment(&frame, protocol, offset_and_flags);
	frame_zeros(&frame, payload);
	return frame;
}

static struct frame tagged(unsigned tags, uint16_t type)
{
	struct frame frame = frame_ethernet(tags ? type : ETHERTYPE_IP4);

	for (unsigned i = 1; i <= tags; i++)
		frame_tag(&frame, i < tags ? type : ETHERTYPE_IP4);
	frame_ip4(&frame, PROTO_TCP, 0, 20);
	frame_tcp(&frame, 80, TCP_ACK);
	return frame;
}

/* A UDP datagram to port 443 that begins with `first` and `version`. */
static struct frame quic(uint8_t first, uint32_t version, uint32_t payload)
{
	struct frame frame = frame_ethernet(ETHERTYPE_IP4);
	uint8_t head[5] = {first, (uint8_t)(version >> 24), (uint8_t)(version >> 16),
			   (uint8_t)(version >> 8), (uint8_t)version};

	frame_ip4(&frame, PROTO_UDP, 0, (uint16_t)(8 + payload));
	frame_udp(&frame, 443, (uint16_t)payload);
	frame_bytes(&frame, head, payload < 5 ? payload : 5);
	return frame;
}

static void test_ip4(void)
{
	struct frame frame = tcp4(TCP_SYN);
	struct packet packet = parse(&frame);

	CU_ASSERT_EQUAL(packet.kind, PACKET_IP4);
	CU_ASSERT_EQUAL(packet.source.hi, 0);
	CU_ASSERT_EQUAL(packet.source.lo, 0xc0000209);
	CU_ASSERT_EQUAL(packet.destination.lo, 0xc6120001);
	CU_ASSERT_EQUAL(packet.protocol, PROTO_TCP);
	CU_ASSERT_EQUAL(packet.source_port, 40000);
	CU_ASSERT_EQUAL(packet.destination_port, 80);
	CU_ASSERT_EQUAL(packet.flags, PACKET_PORTS | PACKET_OPENS);
	CU_ASSERT_EQUAL(packet.length, frame.size);
	CU_ASSERT_EQUAL(source_key(packet.kind == PACKET_IP6, packet.source), 0xc0000209);
}

static void test_ip6(void)
{
	struct frame frame = udp6();
	struct packet packet = parse(&frame);

	CU_ASSERT_EQUAL(packet.kind, PACKET_IP6);
	CU_ASSERT_EQUAL(packet.source.hi, UINT64_C(0x20010db800000000));
	CU_ASSERT_EQUAL(packet.source.lo, 9);
	CU_ASSERT_EQUAL(packet.destination.hi, UINT64_C(0x20010db800010000));
	CU_ASSERT_EQUAL(packet.destination_port, 443);
	CU_ASSERT_EQUAL(packet.flags, PACKET_PORTS);
	CU_ASSERT_EQUAL(source_key(packet.kind == PACKET_IP6, packet.source),
			UINT64_C(0x20010db800000000));
}

static void test_extensions(void)
{
	static const struct {
		unsigned count;
		uint32_t size;
		uint8_t kind;
	} rows[] = {
		{0, 8, PACKET_IP6},         {1, 8, PACKET_IP6},        {8, 8, PACKET_IP6},
		{9, 8, PACKET_MALFORMED},   {1, 256, PACKET_IP6},      {1, 264, PACKET_MALFORMED},
		{8, 32, PACKET_IP6},        {8, 40, PACKET_MALFORMED}, {2, 128, PACKET_IP6},
		{2, 136, PACKET_MALFORMED},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct frame frame = extended(rows[i].count, rows[i].size);
		struct packet packet = parse(&frame);

		CU_ASSERT_EQUAL(packet.kind, rows[i].kind);
		if (packet.kind == PACKET_IP6)
			CU_ASSERT_EQUAL(packet.destination_port, 80);
	}
}

static void test_fragments(void)
{
	static const struct {
		uint16_t offset_and_flags;
		uint8_t protocol;
		uint32_t payload;
		uint8_t kind, flags;
	} rows[] = {
		{0x0008, PROTO_TCP, 0, PACKET_IP6, PACKET_FRAGMENT},
		{0x0009, PROTO_UDP, 3, PACKET_IP6, PACKET_FRAGMENT},
		{0x0008, PROTO_DSTOPTS, 0, PACKET_IP6, PACKET_FRAGMENT},
		{0x0001, PROTO_UDP, 8, PACKET_IP6, PACKET_PORTS},
		{0x0001, PROTO_UDP, 7, PACKET_MALFORMED, 0},
		{0x0000, PROTO_ICMP6, 4, PACKET_IP6, 0},
		{0x0000, PROTO_ICMP6, 3, PACKET_MALFORMED, 0},
		{0x0001, PROTO_TCP, 20, PACKET_MALFORMED, 0}, /* data offset 0 */
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct frame frame =
			fragmented(rows[i].offset_and_flags, rows[i].protocol, rows[i].payload);
		struct packet packet = parse(&frame);

		CU_ASSERT_EQUAL(packet.kind, rows[i].kind);
		CU_ASSERT_EQUAL(packet.flags, rows[i].flags);
		if (packet.flags & PACKET_FRAGMENT)
			CU_ASSERT_EQUAL(packet.protocol, rows[i].protocol);
	}
}

static void test_tags(void)
{
	static const uint16_t types[] = {ETHERTYPE_VLAN, ETHERTYPE_QINQ};

	for (unsigned type = 0; type < 2; type++) {
		for (unsigned tags = 0; tags <= 3; tags++) {
			struct frame frame = tagged(tags, types[type]);

			CU_ASSERT_EQUAL(parse(&frame).kind,
					tags <= 2 ? PACKET_IP4 : PACKET_MALFORMED);
		}
	}
}

static void test_opens(void)
{
	static const struct {
		uint8_t first;
		uint32_t version, payload;
		bool opens;
	} rows[] = {
		{0xc0, 1, 5, true},          {0xcf, 1, 5, true},           {0xc0, 1, 4, false},
		{0xd0, 1, 5, false},         {0x40, 1, 5, false},          {0x80, 1, 5, false},
		{0xd3, 0x6b3343cf, 5, true}, {0xc3, 0x6b3343cf, 5, false}, {0xc0, 0, 5, false},
		{0xc0, 2, 5, false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct frame frame = quic(rows[i].first, rows[i].version, rows[i].payload);
		struct packet packet = parse(&frame);

		CU_ASSERT_EQUAL(packet.kind, PACKET_IP4);
		CU_ASSERT_EQUAL(!!(packet.flags & PACKET_OPENS), rows[i].opens);
	}
	for (unsigned flags = 0; flags < 256; flags++) {
		struct frame frame = tcp4((uint8_t)flags);

		CU_ASSERT_EQUAL(!!(parse(&frame).flags & PACKET_OPENS),
				(flags & TCP_SYN) && !(flags & TCP_ACK));
	}
}

static void test_discovery(void)
{
	for (unsigned type = 0; type < 256; type++) {
		struct frame near = icmp6((uint8_t)type, 255), far = icmp6((uint8_t)type, 254);

		CU_ASSERT_EQUAL(!!(parse(&near).flags & PACKET_ND), type >= 133 && type <= 137);
		CU_ASSERT_EQUAL(parse(&far).flags, 0);
	}
}

/* A good frame with one byte changed. */
static void test_changed(void)
{
	static const struct {
		uint32_t at;
		uint8_t to, kind;
	} rows[] = {
		{14, 0x44, PACKET_MALFORMED}, /* IHL 4 */
		{14, 0x65, PACKET_MALFORMED}, /* version 6 in an IPv4 frame */
		{14, 0x46, PACKET_MALFORMED}, /* options leave TCP too little room */
		{17, 19, PACKET_MALFORMED},   /* total length below the header */
		{17, 39, PACKET_MALFORMED},   /* TCP header cut by the total length */
		{17, 41, PACKET_MALFORMED},   /* total length past the frame */
		{23, 47, PACKET_IP4},         /* GRE: no ports, fine */
		{46, 0x40, PACKET_MALFORMED}, /* data offset 4 */
		{46, 0x60, PACKET_MALFORMED}, /* data offset past the packet */
		{12, 0x05, PACKET_OTHER},     /* an 802.3 length */
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct frame frame = tcp4(TCP_SYN);

		frame.bytes[rows[i].at] = rows[i].to;
		CU_ASSERT_EQUAL(parse(&frame).kind, rows[i].kind);
	}
}

static void check_cuts(const struct frame *frame)
{
	struct packet whole = parse(frame), packet;

	for (uint32_t size = 0; size < frame->size; size++) {
		uint8_t *cut = malloc(size ? size : 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
		memcpy(cut, frame->bytes, size);
		parse_frame(cut, size, size, &packet);
		CU_ASSERT_EQUAL(packet.kind, PACKET_MALFORMED);
		parse_frame(cut, size, frame->size, &packet);
		if (packet.protocol == PROTO_UDP) /* QUIC's first bytes may lie past the cut */
			packet.flags |= whole.flags & PACKET_OPENS;
		if (packet.kind != PACKET_MALFORMED)
			CU_ASSERT_EQUAL(memcmp(&packet, &whole, sizeof packet), 0);
		free(cut);
	}
}

static void test_cuts(void)
{
	struct frame frames[] = {
		tcp4(TCP_SYN),
		udp6(),
		icmp6(135, 255),
		extended(8, 8),
		extended(2, 128),
		tagged(2, ETHERTYPE_QINQ),
		fragmented(0x0009, PROTO_UDP, 3),
		fragmented(0, PROTO_UDP, 8),
		quic(0xc0, 1, 5),
	};

	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
		check_cuts(&frames[i]);
}

static void test_padding(void)
{
	struct frame frame = tcp4(TCP_SYN);

	frame_zeros(&frame, 6);
	CU_ASSERT_EQUAL(parse(&frame).kind, PACKET_IP4);
	CU_ASSERT_EQUAL(parse(&frame).length, 60);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"IPv4", test_ip4},
		{"IPv6", test_ip6},
		{"extension headers", test_extensions},
		{"fragments", test_fragments},
		{"tags", test_tags},
		{"what opens a connection", test_opens},
		{"neighbour discovery", test_discovery},
		{"changed bytes", test_changed},
		{"cut frames", test_cuts},
		{"padding", test_padding},
		CU_TEST_INFO_NULL,
	};

	return suite_run("parse", tests);
}
