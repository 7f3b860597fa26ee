/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames in memory, written anew before each block of bursts and read while time is taken.
 * What a NIC receives lies in the last-level cache, and is brought nearer by prefetches that
 * the pipeline issues while it does something else: that is input, and charged in the pipeline's
 * own rows. Here the headers of a block lie in the second-level cache (one or two lines each of
 * FRAMES frames: 64 KB), as far apart as packet buffers do, and a block's frames are never the
 * same as the one's before.
 */
#pragma once

#include "burst.h"

enum {
	FRAMES = 1024,
	FRAMES_APART = 37 * 64, /* a packet buffer of 2304 bytes, and a line: all sets are used */
};

/* All carry TCP, data under way, to port 443 of a service, as short as Ethernet allows. */
enum frame_kind {
	FRAME_TCP4,
	FRAME_VLAN,
	FRAME_QINQ,
	FRAME_OPTIONS,  /* IPv4 with a header of 24 bytes */
	FRAME_FRAGMENT, /* a later one */
	FRAME_TCP6,
	FRAME_CHAIN6, /* with hop-by-hop and destination options */
	FRAME_IMIX,   /* 60, 590 and 1514 bytes, 7 to 4 to 1, to the service "bulk" */
	FRAME_CLOSED, /* to the service "closed" */
	FRAME_KINDS
};

struct frames {
	enum frame_kind kind;
	uint8_t *at;
	uint32_t *length; /* [FRAMES] bytes */
	unsigned source,
		target; /* where in a frame the source is, and the last byte of the target */
};

/* FRAMES frames of a kind. 0, or -ENOMEM. */
int frames_init(struct frames *frames, enum frame_kind kind);

void frames_free(struct frames *frames);

/* Make frame `i` one that `source` (see traffic.h) sends to the target it always talks to. */
void frames_put(struct frames *frames, unsigned i, uint32_t source);

/* The burst of BURST_MOST frames from number `first` on. */
static inline void frames_burst(const struct frames *frames, unsigned first, struct burst *burst)
{
	const uint8_t *at = frames->at + (size_t)first * FRAMES_APART;

	burst->count = BURST_MOST;
	for (unsigned i = 0; i < BURST_MOST; i++) {
		burst->frame[i] = at + (size_t)i * FRAMES_APART;
		burst->readable[i] = burst->length[i] = frames->length[first + i];
	}
}
