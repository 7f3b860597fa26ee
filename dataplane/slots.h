/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rule slots: where a rule's buckets and counters are. A rule keeps its slot from one
 * generation to the next by its id, so that no change refills a bucket or zeroes a
 * count. There is room for two policies, so a slot of the running image is never given
 * to another rule. Main thread only.
 */
#pragma once

#include "counters.h"

struct slots {
	struct counters *counters; /* says which rule owns a slot */
	struct state *state;
	uint16_t
		next; /* where to look for one to give away: what was left longest ago goes first */
};

/*
 * Give each rule of `image` its slot, by its id: the one it had, or one that neither it nor
 * `running` (NULL: nothing runs) uses, emptied of the former owner's buckets and counts.
 */
void slots_assign(struct slots *slots, struct image *image, const struct image *running);
