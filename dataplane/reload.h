/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which generation runs: the last good one from disk at the start, then what the daemon
 * wants, each only if it can be enforced whole. Main thread only.
 */
#pragma once

#include "crossing.h"
#include "follow.h"
#include "generation.h"
#include "publish.h"

struct reload {
	const char *state_dir;
	const char *no_fallback; /* a pair without a fallback port, or NULL */
	const bool *stopping;    /* workers may no longer cross once it is set */
	struct publish *publish;
	struct crossing *crossing;
	struct state *state;
	bool shares_slots; /* with the twin: they are given under a lock in the run folder */
	int run_folder;
	struct follow follow;
	struct generation *running; /* NULL: none, everything passes */
	struct generation *former;  /* while workers cross from it, else NULL */
};

/* Before the workers start: load what is on disk, and say what that means. */
void reload_start(struct reload *reload, const char *run_dir);

/* Once the workers run: wait until they use what was loaded. */
void reload_started(struct reload *reload);

/* From then on: a round of the main loop, at most 100 ms long. */
void reload_round(struct reload *reload);

/* The number of the running generation; 0: none. */
uint64_t reload_generation(const struct reload *reload);

/* After the workers have stopped. */
void reload_stop(struct reload *reload);
