/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule slots: who keeps one, who gets one, and what is emptied on the way. */
#include "slots.h"
#include "suite.h"

#include <string.h>

enum { WORKERS = 2 };

static STATE_OF(SOURCE_GROUP) state;
static struct counters *counters;
static struct slots slots;
static struct rule before[CAP_RULES], after[CAP_RULES];

static void setup(void)
{
	free(counters);
	counters = calloc(1, sizeof *counters + WORKERS * sizeof(struct worker_counters));
	CU_ASSERT_PTR_NOT_NULL_FATAL(counters);
	counters->workers = WORKERS;
	state_init(&state.head, SOURCE_GROUP, (struct siphash_key){1, 2}, 0, false);
	slots = (struct slots){.counters = counters, .state = &state.head};
}

/* An image whose `count` rules have the ids from `first` on. */
static struct image with_rules(struct rule *rules, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct rule){.id = first + i};
	return (struct image){.rules = rules, .rule_count = count};
}

static void use(uint16_t slot)
{
	state.rule[slot].rate[BUCKET_PPS] = 1000u + slot;
	for (unsigned i = 0; i < WORKERS; i++)
		counters->worker[i].rule[slot][OUTCOME_ADMITTED].packets = slot + 1u;
}

static bool used(uint16_t slot)
{
	return state.rule[slot].rate[BUCKET_PPS] == 1000u + slot &&
	       counters->worker[WORKERS - 1].rule[slot][OUTCOME_ADMITTED].packets == slot + 1u;
}

static bool empty(uint16_t slot)
{
	return state.rule[slot].rate[BUCKET_PPS] == 0 &&
	       counters->worker[0].rule[slot][OUTCOME_ADMITTED].packets == 0 &&
	       counters->worker[WORKERS - 1].rule[slot][OUTCOME_ADMITTED].packets == 0;
}

static bool distinct(const struct image *a, const struct image *b)
{
	static bool taken[CAP_RULE_SLOTS];

	memset(taken, 0, sizeof taken);
	for (uint32_t i = 0; i < a->rule_count + b->rule_count; i++) {
		const struct rule *rule =
			i < a->rule_count ? &a->rules[i] : &b->rules[i - a->rule_count];

		if (rule->slot >= CAP_RULE_SLOTS || taken[rule->slot] ||
		    counters->slot_rule[rule->slot] != rule->id)
			return false;
		taken[rule->slot] = true;
	}
	return true;
}

static void test_id_keeps_slot(void)
{
	struct image a, b;

	setup();
	a = with_rules(before, 100, 10);
	slots_assign(&slots, &a, NULL);
	CU_ASSERT_TRUE(distinct(&a, &(struct image){0}));
	for (uint32_t i = 0; i < 10; i++)
		use(before[i].slot);
	b = with_rules(after, 105, 10);
	slots_assign(&slots, &b, &a);
	for (uint32_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(after[i].slot, before[i + 5].slot);
		CU_ASSERT_TRUE(used(after[i].slot));
		CU_ASSERT_TRUE(used(before[i].slot));
		CU_ASSERT_TRUE(empty(after[i + 5].slot));
	}
}

static void test_two_full_policies(void)
{
	struct image a, b;

	setup();
	a = with_rules(before, 1, CAP_RULES);
	slots_assign(&slots, &a, NULL);
	b = with_rules(after, 1 + CAP_RULES, CAP_RULES);
	slots_assign(&slots, &b, &a);
	CU_ASSERT_TRUE(distinct(&a, &b));
}

/* However long it goes on, the running image keeps its slots and the new one starts empty. */
static void test_succession(void)
{
	struct image running = with_rules(before, 1, CAP_RULES), next;
	struct rule *mine = before, *other = after;

	setup();
	slots_assign(&slots, &running, NULL);
	for (uint32_t round = 1; round < 6; round++) {
		struct rule *swap = mine;

		for (uint32_t i = 0; i < CAP_RULES; i++)
			use(mine[i].slot);
		next = with_rules(other, 1 + round * CAP_RULES, CAP_RULES);
		slots_assign(&slots, &next, &running);
		CU_ASSERT_TRUE(distinct(&running, &next));
		CU_ASSERT_TRUE(used(running.rules[7].slot));
		CU_ASSERT_TRUE(empty(next.rules[7].slot));
		running = next;
		mine = other;
		other = swap;
	}
}

/* A policy that comes back finds its buckets, if none needed the room meanwhile. */
static void test_return(void)
{
	struct image a, b;
	uint16_t slot;

	setup();
	a = with_rules(before, 1, 3);
	slots_assign(&slots, &a, NULL);
	slot = before[1].slot;
	use(slot);
	b = with_rules(after, 50, 3);
	slots_assign(&slots, &b, &a);
	a = with_rules(before, 1, 3);
	slots_assign(&slots, &a, &b);
	CU_ASSERT_EQUAL(before[1].slot, slot);
	CU_ASSERT_TRUE(used(slot));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a rule keeps its slot by its id", test_id_keeps_slot},
		{"two policies of all rules fit", test_two_full_policies},
		{"slots are handed on for ever", test_succession},
		{"a policy that comes back finds its buckets", test_return},
		CU_TEST_INFO_NULL,
	};

	return suite_run("slots", tests);
}
