/* SPDX-License-Identifier: BSD-3-Clause */
/* A loaded twin, and what the two files of its loader ask of one another. */
#pragma once

#include "join.h"
#include "load.h"
#include "twin.h"

#include <twin_bpf.h> /* made by bpftool */

/* A slot of the map of segments. */
struct twin_slot {
	bool taken;
	enum segment_kind kind; /* SEGMENT_KINDS: a direct table */
	uint64_t hash, size;    /* of the segment, as in its header */
};

struct twin {
	struct twin_bpf *bpf;
	struct join join; /* the state */
	struct twin_slot slot[TWIN_SLOTS]; /* [0] is the empty line's */
	uint8_t asked[sizeof(struct twin_question) + CAP_FRAME];
	uint8_t answered[sizeof(struct twin_question) + CAP_FRAME];
};

/* Set *error to what failed, by a negative errno, which is returned. */
int twin_fail(struct twin_error *error, int code, const char *what);

/* The memory of a map of `size` bytes, or NULL with errno set. */
void *twin_map(int map, size_t size);

/* A table of so many lines, for a slot: its file descriptor, or a negative errno. */
int twin_table_create(uint32_t lines);
