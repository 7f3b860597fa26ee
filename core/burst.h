/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision for a burst of packets: what decide() does for one, in stages that are plain
 * loops over all of them. Keys are hashed together, and the lines that lookups will touch are
 * fetched while others are worked on, so that what a packet costs is the memory's bandwidth,
 * not its latency. Packets are charged in the order they arrived.
 */
#pragma once

#include "counters.h"
#include "recall.h"

/* One burst. The caller fills in count, frames and lengths; burst_decide() the rest. */
struct burst {
	unsigned count; /* at most BURST_MOST */
	const uint8_t *frame[BURST_MOST];
	uint32_t readable[BURST_MOST]; /* bytes that lie at `frame`; see parse_frame() */
	uint32_t length[BURST_MOST];   /* bytes of the whole frame */
	struct packet packet[BURST_MOST];
	struct decision decision[BURST_MOST];
};

/* What a worker keeps between bursts. Zeroed memory is a good start. */
struct burst_memory {
	struct recall recall;
	bool crowded; /* most of the last burst were not what most are: see burst_charge() */
	struct lease host;
	struct rule_lease {
		struct lease lease;
		bool open; /* false between bursts */
	} rule[CAP_RULE_SLOTS];
};

/*
 * Parse the frames, decide them as parse_frame() and decide() would one after the other at
 * `now_ns`, and count them.
 */
typedef void burst_decide_fn(struct burst *burst, const struct image *image, struct state *state,
			     struct burst_memory *memory, struct worker_counters *counters,
			     uint64_t now_ns);

/*
 * Give back all that is lent under the limits of `image`, whose rules or host are about to be
 * others.
 */
static inline void burst_settle(struct burst_memory *memory, const struct image *image,
				struct state *state)
{
	lease_end(&memory->host, state, state->host, &image->settings->host);
	for (uint32_t i = 0; i < image->rule_count; i++) {
		const struct rule *rule = &image->rules[i];

		lease_end(&memory->rule[rule->slot].lease, state,
			  state_rule(state, rule->slot)->rate, &rule->total);
	}
}

/* One source, compiled for what CPUs have: the name of each level, and its function. */
struct burst_level {
	const char *name; /* "scalar", "avx2", "avx512" */
	burst_decide_fn *decide;
};

/* The level of that name, or NULL: there is none, or this CPU lacks its instructions. */
const struct burst_level *burst_level(const char *name);

/* The best that this CPU has. */
const struct burst_level *burst_level_best(void);
