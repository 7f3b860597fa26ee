/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker does with a burst, as stages that are plain loops: restore, parse, decide in
 * the order of arrival, split, send, free. No clock, no lock, no memory but mbufs.
 */
#pragma once

#include "counters.h"
#include "generation.h"
#include "port.h"

enum { PIPELINE_BURST = 64 };

/* One worker's. */
struct pipeline {
	const struct generation *generation; /* NULL: none, everything passes */
	struct state *state;
	struct worker_counters *counters;
	struct rte_mempool *pool; /* for the few frames that must be copied */
	uint16_t queue;           /* the worker's on every port it sends to */
};

/* Decide `count` frames, at most PIPELINE_BURST, from the pair's edge port and send them on. */
void pipeline_filter(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count, uint64_t now_ns);

/* Send frames from the pair's server or fallback port back to the edge. */
void pipeline_return(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count);
