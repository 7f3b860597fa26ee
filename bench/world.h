/* SPDX-License-Identifier: BSD-3-Clause */
/* What decisions are made by: one image for all, and the buckets of so many live sources. */
#pragma once

#include "burst.h"
#include "compile/compile.h"

struct policy_image {
	struct policy *policy;
	struct compiled compiled;
	struct image image;
};

/*
 * Read the document `file`, add the blocked sources of traffic.h to its set "bots", compile
 * and open it. 0, or -1: what is wrong has been said.
 */
int policy_image_open(const char *file, struct policy_image *opened);

void policy_image_close(struct policy_image *opened);

struct world {
	const struct image *image;
	struct state state;
	struct burst_memory *memory;
	struct worker_counters *counters;
	size_t lines;
	uint32_t sources;  /* that send, blocked ones not counted */
	uint32_t admitted; /* of them, those that have a bucket: as many as were asked for */
	uint64_t now_ns;
};

/*
 * A data plane's state for `live` sources, each of which has sent one packet and is live from
 * then on: its bucket takes a second to fill, and the clock moves WORLD_STEP_NS a burst. 0, or
 * -ENOMEM.
 */
int world_open(const struct image *image, uint32_t live, struct world *world);

void world_close(struct world *world);

enum { WORLD_STEP_NS = 100 };

/* How many sources have a live bucket of their own. */
uint32_t world_own_buckets(const struct world *world);

/* Bytes that the sources' buckets take. */
size_t world_bytes(const struct world *world);
