/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* What the twin's program and its loader agree on. Programs include bpf/tables.h before it. */
#pragma once

#include "decide.h"

/*
 * The tables of all generations lie in one arena, a map in which a value is a line, and their rules
 * in another. The pointers of an image are places: the byte's offset in the arena. Place zero is
 * an empty line, of which NULL has nothing more to say.
 */
enum {
	TWIN_LINE = 64,
	TWIN_TABLES = SEGMENT_KINDS + 1, /* of a generation: its segments and the direct table */
	TWIN_ROOTS = 64,                 /* for those that programs may still be looking at, too */
	TWIN_RULES = 4 * CAP_RULES,      /* likewise, of all */
	TWIN_NO_ROOT = 0,
};
_Static_assert((int)TWIN_LINE == (int)IMAGE_ALIGN, "arrays begin with a line");

/* What leads to all of a generation. Who holds it sees this generation to the end. */
struct twin_root {
	struct image image; /* first: who has one of these has the other */
	struct settings settings;
	uint64_t generation; /* its number */
	uint64_t serial;     /* another for each root that was ever filled; not zero */
	uint32_t first_rule; /* where its rules begin */
	uint32_t timed;      /* image_timed(): a look at the clock takes longer than one at a set */
};

/* Which generation is in force: the one word that the loader changes to change it. */
struct twin_active {
	uint32_t root; /* one more than its index; or TWIN_NO_ROOT: there is no policy yet */
	uint32_t pad;
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
