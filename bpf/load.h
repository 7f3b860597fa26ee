/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The twin's loader: it brings the program into the kernel, gives it the tables of a
 * generation, and asks it about frames. Nothing is attached to an interface.
 */
#pragma once

#include "decide.h"

struct twin;

/* Why something failed: what was tried, or what this kernel lacks. */
struct twin_error {
	char message[256];
};

/* What a twin is made with, and keeps. */
struct twin_options {
	uint32_t source_lines;  /* a multiple of SOURCE_GROUP; 64 bytes each */
	struct siphash_key key; /* of the sources' table; secret */
	uint64_t now_ns;        /* the clock's, from which bucket time counts */
	bool explain;           /* libbpf's messages and the verifier's log to stderr */
};

/*
 * Load the program, with empty buckets and no policy. 0 with *twin the caller's to close, or a
 * negative errno with *error set: -EPERM without privileges, -EOPNOTSUPP where the kernel lacks
 * something.
 */
int twin_open(const struct twin_options *options, struct twin **twin, struct twin_error *error);

/* Let go of everything; NULL is fine. */
void twin_close(struct twin *twin);

/*
 * Decide by another generation from now on: `image`, which image_open() made of `segments`, with
 * expiries on the twin's clock and rules that have their slots. Both may go afterwards. Segments
 * that the twin holds already are not copied again. `direct`: with a direct table, worth it above
 * DIRECT_RANGES. Every packet is decided by one generation; when this returns, none by the former.
 * 0, or a negative errno with *error set and the former in force.
 */
int twin_switch(struct twin *twin, void *const segments[SEGMENT_KINDS], const struct image *image,
		bool direct, struct twin_error *error);

/* The buckets, which are the twin's to change. `sources` has the number of lines asked for. */
struct state *twin_state(const struct twin *twin);

/*
 * Ask the program what becomes of a frame that comes at `now_ns`: buckets are charged as if it
 * had. The kernel takes no frame shorter than an Ethernet header. 0, or a negative errno.
 */
int twin_ask(struct twin *twin, const uint8_t *frame, uint32_t length, uint64_t now_ns,
	     struct decision *decision);
