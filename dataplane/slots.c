/* SPDX-License-Identifier: BSD-3-Clause */
/* See slots.h. */
#include "slots.h"

#include <string.h>

/* An open-addressed index from rule id to slot, twice as large as what it holds. */
enum { INDEX_SIZE = 2 * CAP_RULE_SLOTS };
_Static_assert((INDEX_SIZE & (INDEX_SIZE - 1)) == 0, "wraps by masking");

struct slot_index {
	uint16_t place[INDEX_SIZE]; /* slot, or NONE */
};

static uint32_t index_start(uint32_t id)
{
	return (id * UINT32_C(0x9e3779b1)) & (INDEX_SIZE - 1);
}

static uint16_t index_find(const struct slot_index *index, const uint32_t *owner, uint32_t id)
{
	uint32_t at = index_start(id);

	while (index->place[at] != NONE && owner[index->place[at]] != id)
		at = (at + 1) & (INDEX_SIZE - 1);
	return index->place[at];
}

static void index_build(struct slot_index *index, const uint32_t *owner)
{
	memset(index->place, 0xff, sizeof index->place);
	for (uint16_t slot = 0; slot < CAP_RULE_SLOTS; slot++) {
		uint32_t at = index_start(owner[slot]);

		if (owner[slot] == 0)
			continue;
		while (index->place[at] != NONE)
			at = (at + 1) & (INDEX_SIZE - 1);
		index->place[at] = slot;
	}
}

/* The id is taken away first and given last: no reader may credit it with a stranger's counts. */
static void slot_give(struct slots *slots, uint16_t slot, uint32_t id)
{
	struct counters *counters = slots->counters;
	struct rule_state *state = state_rule(slots->state, slot);

	__atomic_store_n(&counters->slot_rule[slot], 0, __ATOMIC_SEQ_CST);
	memset(state, 0, sizeof *state);
	for (uint32_t worker = 0; worker < counters->workers; worker++)
		memset(counters->worker[worker].rule[slot], 0,
		       sizeof counters->worker[worker].rule[slot]);
	__atomic_store_n(&counters->slot_rule[slot], id, __ATOMIC_SEQ_CST);
}

static uint16_t slot_free(struct slots *slots, const bool *used)
{
	while (used[slots->next])
		slots->next = (slots->next + 1) % CAP_RULE_SLOTS;
	return slots->next;
}

void slots_assign(struct slots *slots, struct image *image, const struct image *running)
{
	const uint32_t *owner = slots->counters->slot_rule;
	bool used[CAP_RULE_SLOTS] = {false};
	struct slot_index index;

	index_build(&index, owner);
	for (uint32_t i = 0; running && i < running->rule_count; i++)
		used[running->rules[i].slot] = true;
	for (uint32_t i = 0; i < image->rule_count; i++) {
		image->rules[i].slot = index_find(&index, owner, image->rules[i].id);
		if (image->rules[i].slot != NONE)
			used[image->rules[i].slot] = true;
	}
	for (uint32_t i = 0; i < image->rule_count; i++) {
		struct rule *rule = &image->rules[i];

		if (rule->slot != NONE)
			continue;
		rule->slot = slot_free(slots, used);
		used[rule->slot] = true;
		slot_give(slots, rule->slot, rule->id);
	}
}
