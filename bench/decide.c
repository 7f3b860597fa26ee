/* SPDX-License-Identifier: BSD-3-Clause */
/* What a decision costs, I/O excluded. See packets.h. */
#include "tsc.h"
#include "packets.h"

uint64_t decide_block(struct packet_trial *made)
{
	struct world *world = made->world;
	static struct burst burst;
	uint64_t from;

	packets_draw(made);
	from = tsc_now();
	for (unsigned i = 0; i < FRAMES; i += BURST_MOST) {
		frames_burst(&made->frames, i, &burst);
		world_decide(world, made->level, &burst);
		world->now_ns += WORLD_STEP_NS;
	}
	return tsc_now() - from;
}
