/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rule slots: where a rule's buckets and counters are. A rule keeps its slot from one
 * generation to the next by its id, so that no change refills a bucket or zeroes a
 * count. There is room for two policies, so a slot of the running image is never given
 * to another rule.
 *
 * Who owns a slot stands in the state. Where processes share that, one of them at a time may be
 * giving slots: they agree on a lock beside it. What a slot counts is each one's own: counters
 * say by themselves whose packets they count.
 */
#pragma once

#include "counters.h"

/*
 * Give each rule of `image` its slot in `state`, by its id: the one it had, or one that neither it
 * nor `running` (NULL: nothing runs) uses, with the former owner's buckets made anew.
 */
void slots_assign(struct state *state, struct image *image, const struct image *running);

/*
 * Have `count` workers' counters count for the rules of `image` in their slots: where slot_rule
 * says that a slot counted for another, its counts are zeroed. No worker may use such a slot yet.
 */
void slots_count(uint32_t slot_rule[CAP_RULE_SLOTS], struct worker_counters *worker, uint32_t count,
		 const struct image *image);
