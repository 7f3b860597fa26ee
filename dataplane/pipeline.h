/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker does with a burst, as stages that are plain loops: restore, decide (see
 * core/burst.h), split, send, free. No clock, no lock, no memory but mbufs.
 */
#pragma once

#include "burst.h"
#include "generation.h"
#include "port.h"

/* One worker's. */
struct pipeline {
	const struct generation *generation; /* NULL: none, everything passes */
	const struct burst_level *level;
	struct burst_memory *memory; /* the worker's alone */
	struct state *state;
	struct worker_counters *counters;
	struct rte_mempool *pool; /* for the few frames that must be copied */
	uint16_t queue;           /* the worker's on every port it sends to */
};

/* Decide `count` frames, at most BURST_MOST, from the pair's edge port and send them on. */
void pipeline_filter(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count, uint64_t now_ns);

/* Send frames from the pair's server or fallback port back to the edge. */
void pipeline_return(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count);
