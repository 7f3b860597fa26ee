/* SPDX-License-Identifier: BSD-3-Clause */
/* What decisions are made by: one image for all, and the buckets of so many live sources. */
#pragma once

#include "compile/compile.h"
#include "frames.h"
#include "join.h"
#include "plain.h"

struct policy_image {
	struct policy *policy;
	struct compiled compiled;
	struct image image;
	void *copy[SEGMENT_KINDS]; /* that it is made of */
	void *direct4;             /* likewise */
};

/*
 * Read the document `file`, add `blocked` sources of traffic.h to its set "bots", each as an
 * IPv4 address and the first million as an IPv6 one too, compile and open it. 0, or -1: what is
 * wrong has been said.
 */
int policy_image_open(const char *file, uint32_t blocked, struct policy_image *opened);

void policy_image_close(struct policy_image *opened);

/* Whose memory the buckets lie in, and whether others may be at them. */
enum world_memory {
	WORLD_OWN,    /* as a data plane's with one worker: of huge pages where there are any */
	WORLD_SHARED, /* likewise, with two */
	WORLD_SMALL,  /* likewise, in pages of 4 KB */
	WORLD_TWIN,   /* in the kernel's arrays, as the twin's, which is there too */
};

struct world {
	const struct image *image;
	enum world_memory where;
	struct join join;
	struct state *state;
	struct burst_memory *memory;
	struct worker_counters *counters, *plain_counters;
	struct plain *plain; /* or NULL */
	size_t lines;
	uint32_t sources;  /* that send, blocked ones not counted */
	uint32_t admitted; /* of them, those that have a bucket: as many as were asked for */
	uint64_t now_ns;
};

/*
 * A data plane's state for `live` sources, each of which has sent one frame and is live from
 * then on: its bucket takes a second to fill, and the clock moves WORLD_STEP_NS a burst. And a
 * plain chain that has seen the same packets, in DPDK's heap `socket`; none if that is negative.
 * 0, or -1: what was wrong has been said.
 */
int world_open(const struct policy_image *policy, enum frame_kind kind, uint32_t live, int socket,
	       struct world *world);

/* As world_open(), without a plain chain, and with buckets in such memory, which may need root. */
int world_open_in(enum world_memory where, const struct policy_image *policy, enum frame_kind kind,
		  uint32_t live, struct world *world);

/*
 * Have sources that were never seen come until hardly any bucket is left to be had: of those
 * who were there before, those who have one keep it. They are numbered from `sources` on, and
 * not counted in it. 0, or -1.
 */
int world_fill(struct world *world);

void world_close(struct world *world);

enum { WORLD_STEP_NS = 100 };

/* Have the burst decided by `level`, or by the plain chain if that is NULL. */
static inline void world_decide(struct world *world, const struct burst_level *level,
				struct burst *burst)
{
	if (level)
		level->decide(burst, world->image, world->state, world->memory, world->counters,
			      world->now_ns);
	else
		plain_decide(world->plain, burst, world->plain_counters, world->now_ns);
}

/* How many sources have a live bucket of their own. */
uint32_t world_own_buckets(const struct world *world);

/* How many buckets for sources there are. */
size_t world_room(const struct world *world);

/* Bytes that they take. */
size_t world_bytes(const struct world *world);
