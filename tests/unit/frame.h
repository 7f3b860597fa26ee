/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames built layer by layer: each function appends one header and fixes no other. */
#pragma once

#include "packet.h"

#include <stdint.h>
#include <string.h>

struct frame {
	uint8_t bytes[2048];
	uint32_t size;
};

static inline void frame_bytes(struct frame *frame, const void *bytes, uint32_t size)
{
	memcpy(frame->bytes + frame->size, bytes, size);
	frame->size += size;
}

static inline void frame_zeros(struct frame *frame, uint32_t size)
{
	memset(frame->bytes + frame->size, 0, size);
	frame->size += size;
}

static inline void frame_u16(struct frame *frame, uint16_t value)
{
	frame_bytes(frame, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static inline struct frame frame_ethernet(uint16_t ethertype)
{
	struct frame frame = {.size = 0};

	frame_bytes(&frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	frame_u16(&frame, ethertype);
	return frame;
}

/* A tag that names what follows it. */
static inline void frame_tag(struct frame *frame, uint16_t ethertype)
{
	frame_u16(frame, 100);
	frame_u16(frame, ethertype);
}

/* 192.0.2.9 to 198.18.0.1, no options, for `payload` bytes to come. */
static inline void frame_ip4(struct frame *frame, uint8_t protocol, uint16_t fragment,
			     uint16_t payload)
{
	frame_bytes(frame, "\x45\0", 2);
	frame_u16(frame, (uint16_t)(20 + payload));
	frame_u16(frame, 1);
	frame_u16(frame, fragment);
	frame_bytes(frame, (uint8_t[]){64, protocol, 0, 0}, 4);
	frame_bytes(frame, "\xc0\x00\x02\x09\xc6\x12\x00\x01", 8);
}

/* 2001:db8::9 to 2001:db8:1::1, for `payload` bytes to come. */
static inline void frame_ip6(struct frame *frame, uint8_t next, uint8_t hop_limit, uint16_t payload)
{
	frame_bytes(frame, "\x60\0\0\0", 4);
	frame_u16(frame, payload);
	frame_bytes(frame, (uint8_t[]){next, hop_limit}, 2);
	frame_bytes(frame, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
	frame_bytes(frame, "\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\x01", 16);
}

/* An IPv6 extension header of `size` bytes, a multiple of 8. */
static inline void frame_extension(struct frame *frame, uint8_t next, uint32_t size)
{
	frame_bytes(frame, (uint8_t[]){next, (uint8_t)(size / 8 - 1)}, 2);
	frame_zeros(frame, size - 2);
}

static inline void frame_fragment(struct frame *frame, uint8_t next, uint16_t offset_and_flags)
{
	frame_bytes(frame, (uint8_t[]){next, 0}, 2);
	frame_u16(frame, offset_and_flags);
	frame_zeros(frame, 4);
}

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_ACK = 16 };

static inline void frame_tcp(struct frame *frame, uint16_t port, uint8_t flags)
{
	frame_u16(frame, 40000);
	frame_u16(frame, port);
	frame_zeros(frame, 8);
	frame_bytes(frame, (uint8_t[]){0x50, flags}, 2);
	frame_zeros(frame, 6);
}

static inline void frame_udp(struct frame *frame, uint16_t port, uint16_t payload)
{
	frame_u16(frame, 40000);
	frame_u16(frame, port);
	frame_u16(frame, (uint16_t)(8 + payload));
	frame_u16(frame, 0);
}
