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

/* The owner is taken away first and given last, for who looks without the lock. */
static void slot_give(struct state *state, const struct rule *rule)
{
	__atomic_store_n(&state->owner[rule->slot], 0, __ATOMIC_SEQ_CST);
	state_rule_init(state, rule->slot, &rule->source, &rule->total);
	__atomic_store_n(&state->owner[rule->slot], rule->id, __ATOMIC_SEQ_CST);
}

/* The next slot that is not used: what was left longest ago goes first. */
static uint16_t slot_free(struct state *state, const bool *used)
{
	uint32_t slot = state->next_slot % CAP_RULE_SLOTS;

	while (used[slot])
		slot = (slot + 1) % CAP_RULE_SLOTS;
	state->next_slot = slot;
	return (uint16_t)slot;
}

void slots_assign(struct state *state, struct image *image, const struct image *running)
{
	bool used[CAP_RULE_SLOTS] = {false};
	struct slot_index index;

	index_build(&index, state->owner);
	for (uint32_t i = 0; running && i < running->rule_count; i++)
		used[running->rules[i].slot] = true;
	for (uint32_t i = 0; i < image->rule_count; i++) {
		image->rules[i].slot = index_find(&index, state->owner, image->rules[i].id);
		if (image->rules[i].slot != NONE)
			used[image->rules[i].slot] = true;
	}
	for (uint32_t i = 0; i < image->rule_count; i++) {
		struct rule *rule = &image->rules[i];

		if (rule->slot != NONE)
			continue;
		rule->slot = slot_free(state, used);
		used[rule->slot] = true;
		slot_give(state, rule);
	}
}

/* Likewise: no reader may credit a rule with a stranger's counts. */
void slots_count(uint32_t slot_rule[CAP_RULE_SLOTS], struct worker_counters *worker, uint32_t count,
		 const struct image *image)
{
	for (uint32_t i = 0; i < image->rule_count; i++) {
		const struct rule *rule = &image->rules[i];

		if (slot_rule[rule->slot] == rule->id)
			continue;
		__atomic_store_n(&slot_rule[rule->slot], 0, __ATOMIC_SEQ_CST);
		for (uint32_t j = 0; j < count; j++)
			memset(worker[j].rule[rule->slot], 0, sizeof worker[j].rule[rule->slot]);
		__atomic_store_n(&slot_rule[rule->slot], rule->id, __ATOMIC_SEQ_CST);
	}
}
