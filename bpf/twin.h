/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* What the twin's program and its loader agree on. Programs include bpf/tables.h before it. */
#pragma once

#include "decide.h"

/*
 * A generation's tables are segments, each a map of its own, in which a value is a line. The
 * pointers of an image are places: the segment's slot in the map of maps, above the byte's
 * offset in the segment. Place zero is an empty line, of which NULL has nothing more to say.
 */
enum {
	TWIN_LINE = 64,
	TWIN_SLOT_SHIFT = 32,             /* of a place */
	TWIN_TABLES = SEGMENT_KINDS + 1,  /* of a generation: its segments and the direct table */
	TWIN_SLOTS = 1 + 2 * TWIN_TABLES, /* the empty line, and two generations */
};
_Static_assert((int)TWIN_LINE == (int)IMAGE_ALIGN, "arrays begin with a line");

/* All that a generation has in one piece. Who holds it sees this generation to the end. */
struct twin_root {
	struct image image; /* first: who has one of these has the other */
	struct settings settings;
	struct rule rules[CAP_RULES];
};

/*
 * What is asked of the program: it stands in the frame's metadata, and the program writes the
 * answer beside it.
 */
struct twin_question {
	uint64_t now_ns; /* of the clock that expiries and buckets share */
	struct decision decision;
};
_Static_assert(sizeof(struct twin_question) == 16, "metadata takes 32 bytes");
