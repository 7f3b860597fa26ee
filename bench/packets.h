/* SPDX-License-Identifier: BSD-3-Clause */
/* Trials that packets are put through: by a decision alone, or by the pipeline around it. */
#pragma once

#include "scenes.h"
#include "trial.h"

struct packet_trial {
	struct trial trial; /* first */
	const struct scene *scene;
	const struct burst_level *level; /* NULL: what it is compared with */
	struct world *world;
	struct traffic traffic;
	struct frames frames;
};

/* New frames for the next block. */
static inline void packets_draw(struct packet_trial *made)
{
	for (unsigned i = 0; i < FRAMES; i++)
		frames_put(&made->frames, i, traffic_next(&made->traffic));
}

/* Decide a block of frames. The TSC cycles that took. */
uint64_t decide_block(struct packet_trial *made);

/*
 * Forward a block: into buffers as a virtual port does it, through the data plane's pipeline (or,
 * with no level, an exchange of MAC addresses, as dpdk-testpmd's macswap), out of a port that
 * frees what it is given. The TSC cycles that took.
 */
uint64_t forward_block(struct packet_trial *made);

/* What forwarding needs: ports, and buffers from DPDK's heap `socket`. 0, or -1. */
int forward_open(int socket);

/* The counters of what was forwarded. */
struct worker_counters *forward_counters(void);
