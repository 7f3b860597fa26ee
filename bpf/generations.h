/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generations in the maps of one loaded program: which root is whose, and which lines of the
 * arena and which rules hold what. Pieces are shared by generations that have the same segment,
 * and what nobody has any more is given away only once no program can be looking at it.
 */
#pragma once

#include "grace.h"
#include "load.h"
#include "twin.h"

enum generation_use {
	GENERATION_NONE,
	GENERATION_PREPARED,
	GENERATION_ACTIVE,
	GENERATION_FORMER, /* programs may be looking at it still */
};

/* What lies in so many lines, or in so many places for rules; in none: there is no such piece. */
struct piece {
	uint64_t hash, size; /* of the segment, as in its header */
	uint32_t first, count;
};

struct generation {
	enum generation_use use;
	uint64_t grace;                  /* a former's: what it waits for */
	struct piece table[TWIN_TABLES]; /* by kind; the direct table's last */
	struct piece rules;              /* in the map of rules */
	uint32_t wide;                   /* image_direct4_wide() */
	uint32_t in_vain;                /* as many cells of the direct table are marked so */
};

struct generations {
	struct grace *grace;
	uint32_t lines; /* of the arena */
	uint8_t *arena; /* this and the following are the maps' memory */
	struct twin_root *roots;
	struct rule *rules;
	struct twin_active *active;
	struct generation generation[TWIN_ROOTS];
	uint64_t serial; /* of the root that was filled last */
};

struct twin_bpf;

/* Take over the maps of a loaded program, whose arena has so many lines. 0, or a negative errno. */
int generations_open(struct generations *generations, struct twin_bpf *bpf, uint32_t lines);
void generations_close(struct generations *generations);

/* As twin_prepare(); -ENOSPC without room in the arena. */
int generations_prepare(struct generations *generations, void *const segments[SEGMENT_KINDS],
			const struct image *image, bool direct);

/* As twin_commit() and twin_abandon(). */
void generations_commit(struct generations *generations, uint64_t generation);
void generations_abandon(struct generations *generations);
