/* SPDX-License-Identifier: BSD-3-Clause */
/* See frames.h. */
#include "frames.h"
#include "memory.h"
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST = 60, TARGETS = 16 };

/* A frame being put together. */
struct draft {
	uint8_t bytes[256];
	unsigned size, network, source, target;
};

static void append(struct draft *draft, const void *bytes, unsigned size)
{
	memcpy(draft->bytes + draft->size, bytes, size);
	draft->size += size;
}

static void append_ethernet(struct draft *draft, enum frame_kind kind)
{
	bool ip6 = kind == FRAME_TCP6 || kind == FRAME_CHAIN6;

	append(draft, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	if (kind == FRAME_QINQ)
		append(draft, "\x88\xa8\0\x64", 4);
	if (kind == FRAME_VLAN || kind == FRAME_QINQ)
		append(draft, "\x81\0\0\x65", 4);
	append(draft, ip6 ? "\x86\xdd" : "\x08\0", 2);
	draft->network = draft->size;
}

/* From 0.0.0.0 to 198.18.SERVICE.0. */
static void append_ip4(struct draft *draft, enum frame_kind kind)
{
	uint8_t service = kind == FRAME_CLOSED ? 2 : kind == FRAME_IMIX ? 3 : 0;
	uint8_t words = kind == FRAME_OPTIONS ? 6 : 5;

	append(draft, (uint8_t[]){(uint8_t)(0x40 | words), 0, 0, (uint8_t)(words * 4 + 20)}, 4);
	append(draft, kind == FRAME_FRAGMENT ? "\0\1\0\x40" : "\0\1\x40\0", 4);
	append(draft, "\x40\6\0\0\0\0\0\0", 8);
	append(draft, (uint8_t[]){198, 18, service, 0}, 4);
	if (kind == FRAME_OPTIONS)
		append(draft, "\1\1\1\0", 4);
	draft->source = draft->network + 12;
	draft->target = draft->network + 19;
}

/* From :: to 2001:db8:1::. */
static void append_ip6(struct draft *draft, enum frame_kind kind)
{
	bool chain = kind == FRAME_CHAIN6;

	append(draft, "\x60\0\0\0\0", 5);
	append(draft, (uint8_t[]){chain ? 36 : 20, chain ? PROTO_HOPOPTS : PROTO_TCP, 64}, 3);
	append(draft, (uint8_t[16]){0}, 16);
	append(draft, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, 0, 1}, 16);
	if (chain)
		append(draft, "\x3c\0\1\4\0\0\0\0\6\0\1\4\0\0\0\0", 16);
	draft->source = draft->network + 8;
	draft->target = draft->network + 39;
}

static void append_tcp(struct draft *draft)
{
	append(draft, "\x9c\x40\1\xbb\0\0\0\1\0\0\0\1\x50\x10\x20\0\0\0\0\0", 20);
}

static void put_together(struct draft *draft, enum frame_kind kind)
{
	draft->size = 0;
	append_ethernet(draft, kind);
	if (kind == FRAME_TCP6 || kind == FRAME_CHAIN6)
		append_ip6(draft, kind);
	else
		append_ip4(draft, kind);
	append_tcp(draft);
	while (draft->size < SHORTEST)
		append(draft, "", 1);
}

/* The simple IMIX: of twelve frames, the sizes without FCS. */
static uint32_t imix(unsigned i)
{
	unsigned place = i % 12;

	return place == 0 ? 1514 : place % 3 == 0 || place == 5 ? 590 : SHORTEST;
}

static void draw(struct frames *frames, unsigned i, const struct draft *draft)
{
	uint8_t *frame = frames->at + (size_t)i * FRAMES_APART;
	uint32_t length = frames->kind == FRAME_IMIX ? imix(i) : draft->size;

	memcpy(frame, draft->bytes, draft->size);
	frames->length[i] = length;
	if (length == draft->size)
		return;
	frame[draft->network + 2] = (uint8_t)((length - draft->network) >> 8);
	frame[draft->network + 3] = (uint8_t)(length - draft->network);
}

int frames_init(struct frames *frames, enum frame_kind kind)
{
	struct draft draft;

	put_together(&draft, kind);
	*frames = (struct frames){
		.kind = kind,
		.at = memory_map((size_t)FRAMES * FRAMES_APART),
		.length = calloc(FRAMES, sizeof *frames->length),
		.source = draft.source,
		.target = draft.target,
	};
	if (!frames->at || !frames->length) {
		frames_free(frames);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < FRAMES; i++)
		draw(frames, i, &draft);
	return 0;
}

void frames_free(struct frames *frames)
{
	memory_unmap(frames->at, (size_t)FRAMES * FRAMES_APART);
	free(frames->length);
}

void frames_put(struct frames *frames, unsigned i, uint32_t source)
{
	uint8_t *frame = frames->at + (size_t)i * FRAMES_APART;

	if (frames->kind == FRAME_TCP6 || frames->kind == FRAME_CHAIN6) {
		uint64_t network = __builtin_bswap64(traffic_network6(source));

		memcpy(frame + frames->source, &network, sizeof network);
	} else {
		uint32_t address = __builtin_bswap32(traffic_address(source));

		memcpy(frame + frames->source, &address, sizeof address);
	}
	frame[frames->target] = (uint8_t)(source % TARGETS);
}
