/* SPDX-License-Identifier: BSD-3-Clause */
/* See frames.h. */
#include "frames.h"
#include "memory.h"
#include "traffic.h"

#include <errno.h>
#include <string.h>

enum { LENGTH = 60, TARGETS = 16 };

/* TCP with data under way, 443 of 198.18.0.0, padded to the least that Ethernet sends. */
static const uint8_t header[LENGTH] = {
	2,    0,  0, 0,  0,    1,    2,    0,   0,    0,    0,    2, 8, 0,       /* Ethernet */
	0x45, 0,  0, 40, 0,    1,    0x40, 0,   64,   6,    0,    0, 0, 0, 0, 0, /* IPv4, source */
	198,  18, 0, 0,  0x9c, 0x40, 1,    187, /* destination, ports */
	0,    0,  0, 1,  0,    0,    0,    1,   0x50, 0x10, 0x20, 0, 0, 0, 0, 0, 0, 0, /* TCP */
};

int frames_init(struct frames *frames)
{
	frames->length = LENGTH;
	frames->at = memory_map((size_t)FRAMES * FRAMES_APART);
	if (!frames->at)
		return -ENOMEM;
	for (unsigned i = 0; i < FRAMES; i++)
		memcpy(frames->at + (size_t)i * FRAMES_APART, header, sizeof header);
	return 0;
}

void frames_free(struct frames *frames)
{
	memory_unmap(frames->at, (size_t)FRAMES * FRAMES_APART);
}

void frames_put(struct frames *frames, unsigned i, uint32_t source)
{
	uint8_t *frame = frames->at + (size_t)i * FRAMES_APART;
	uint32_t address = __builtin_bswap32(traffic_address(source));

	memcpy(frame + 26, &address, sizeof address);
	frame[33] = (uint8_t)(source % TARGETS);
}
