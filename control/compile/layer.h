/* SPDX-License-Identifier: BSD-3-Clause */
/* One layer of single addresses being built: the lines that core/lookup.h searches. */
#pragma once

#include "compile/compile.h"
#include "compile/intern.h"

struct layer {
	uint64_t seed;
	struct intern expires;
	struct set_pair *pairs;
	size_t pair_capacity;
	uint32_t pair_count;
	struct exact4 *exact4;
	struct exact6 *exact6;
	uint32_t lines4, lines6; /* powers of two, or 0 */
};

/* Begin one for at most so many addresses of each family. 0 or -ENOMEM; for layer_free(). */
int layer_init(struct layer *layer, uint64_t seed, size_t count4, size_t count6);
void layer_free(struct layer *layer);

/* Add what an entry says of a single address to what others say of it. 0 or -ENOMEM. */
int layer_say(struct layer *layer, const struct prefix *single, uint8_t verdict,
	      uint64_t expires_ns);

/* Say that no set has the address, if nothing was said of it. */
void layer_gone(struct layer *layer, const struct prefix *single);

/* Take over what an earlier layer says of addresses that this one has not. 0 or -ENOMEM. */
int layer_take(struct layer *layer, const struct segment *earlier);

/* How many addresses of each family a layer has. */
void layer_count(const struct segment *segment, size_t *count4, size_t *count6);

/* NULL: no memory. */
struct segment *layer_segment(const struct layer *layer, enum segment_kind kind);
