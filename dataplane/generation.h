/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A generation as the data plane holds it: the segments of a manifest, read from the state
 * folder into memory of its own and checked there. Segments that the running generation
 * already has are shared with it, not read again. Main thread only; workers read `image`.
 */
#pragma once

#include "board.h"
#include "burst.h"

/* One checked segment in the data plane's own memory. */
struct segment_copy {
	unsigned references;
	struct manifest_segment name;
	void *data;
};

struct generation {
	uint64_t number;
	struct image image; /* rules have no slots yet unless their segment was shared */
	struct segment_copy *segment[SEGMENT_KINDS];
	/* No segment, but shared likewise: the direct table, or NULL. */
	struct segment_copy *direct4;
	uint32_t direct4_in_vain; /* cells of it, or so, marked for what is held no more */
};

/*
 * Load the generation that manifest file `name` of folder `state_dir` lists, sharing with
 * `running` (or NULL) what they have in common; utc_minus_boot_ns is CLOCK_REALTIME less
 * CLOCK_BOOTTIME now. 0 and *loaded, for generation_free(); or -errno with *refusal saying
 * which file is wrong and how, its generation that of the manifest if it could be read, else 0.
 * -ENOENT: there is no such manifest.
 */
int generation_load(const char *state_dir, const char *name, const struct generation *running,
		    int64_t utc_minus_boot_ns, struct generation **loaded,
		    struct board_refusal *refusal);

void generation_free(struct generation *generation); /* NULL is fine */

/*
 * Before a worker decides by `next` instead of `former` (or NULL): forget what its memory has of
 * sources and targets that `next` may not say, and give back what it borrowed under limits that may
 * be others.
 */
void generation_cross(const struct generation *next, const struct generation *former,
		      struct burst_memory *memory, struct state *state);

/* The name of a fallback behind a separate port that some rule can divert to, or NULL. */
const char *generation_fallback_port(const struct generation *generation);
