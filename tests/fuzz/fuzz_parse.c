/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes are a frame: parse them whole and cut, each from a heap block of its exact size, with
 * the short cut for plain frames and without.
 */
#include "parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct packet *packet, uint32_t length)
{
	if (packet->kind > PACKET_IP6 || packet->length != length)
		abort();
	if (packet->kind < PACKET_IP4 && packet->flags != 0)
		abort();
	if (packet->flags & PACKET_PORTS &&
	    (packet->flags & PACKET_FRAGMENT ||
	     (packet->protocol != PROTO_TCP && packet->protocol != PROTO_UDP)))
		abort();
	if (packet->kind == PACKET_IP4 && (packet->source.hi | packet->source.lo >> 32) != 0)
		abort();
}

static struct packet parse(const uint8_t *frame, uint32_t readable, uint32_t length)
{
	struct packet packet, slowly;

	memset(&packet, 0xff, sizeof packet);
	parse_frame(frame, readable, length, &packet);
	parse_slowly(frame, readable, length, &slowly);
	if (memcmp(&packet, &slowly, sizeof packet) != 0)
		abort();
	check(&packet, length);
	return packet;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t readable = (uint32_t)(size > PARSE_READABLE ? PARSE_READABLE : size);
	struct packet whole, part;
	uint8_t *frame;

	if (size > CAP_FRAME || !(frame = malloc(size ? size : 1)))
		return 0;
	memcpy(frame, data, size);
	whole = parse(frame, (uint32_t)size, (uint32_t)size);
	free(frame);

	/* What a caller must make readable is enough to learn the same. */
	if (!(frame = malloc(readable ? readable : 1)))
		return 0;
	memcpy(frame, data, readable);
	part = parse(frame, readable, (uint32_t)size);
	if (memcmp(&whole, &part, sizeof whole) != 0)
		abort();
	free(frame);
	return 0;
}
