/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule slots: who keeps one, who gets one, and what is emptied on the way. */
#include "slots.h"
#include "suite.h"

#include <string.h>

enum { WORKERS = 2 };

static STATE_OF(SOURCE_GROUP) state;

/* What one of those that share the state counts. */
struct plane {
	uint32_t slot_rule[CAP_RULE_SLOTS];
	struct worker_counters worker[WORKERS];
};

static struct plane plane, other_plane;
static struct rule before[CAP_RULES], after[CAP_RULES];

static void setup(void)
{
	memset(&plane, 0, sizeof plane);
	memset(&other_plane, 0, sizeof other_plane);
	state_init(&state.head, SOURCE_GROUP, (struct siphash_key){1, 2}, 0, false);
}

/* An image whose `count` rules have the ids from `first` on. */
static struct image with_rules(struct rule *rules, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct rule){.id = first + i};
	return (struct image){.rules = rules, .rule_count = count};
}

static void count_in(struct plane *its, const struct image *image)
{
	slots_count(its->slot_rule, its->worker, WORKERS, image);
}

static void load(struct image *image, const struct image *running)
{
	slots_assign(&state.head, image, running);
	count_in(&plane, image);
}

static void count(struct plane *its, uint16_t slot)
{
	for (unsigned i = 0; i < WORKERS; i++)
		its->worker[i].rule[slot][OUTCOME_ADMITTED].packets = slot + 1u;
}

static bool counted(const struct plane *its, uint16_t slot)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		if (its->worker[i].rule[slot][OUTCOME_ADMITTED].packets != slot + 1u)
			return false;
	}
	return true;
}

static bool counted_nothing(const struct plane *its, uint16_t slot)
{
	static const struct count none[OUTCOME_COUNT];

	for (unsigned i = 0; i < WORKERS; i++) {
		if (memcmp(its->worker[i].rule[slot], none, sizeof none) != 0)
			return false;
	}
	return true;
}

static void use(uint16_t slot)
{
	state.rule[slot].rate[BUCKET_PPS] = 1000u + slot;
	count(&plane, slot);
}

static bool used(uint16_t slot)
{
	return state.rule[slot].rate[BUCKET_PPS] == 1000u + slot && counted(&plane, slot);
}

static bool empty(uint16_t slot)
{
	return state.rule[slot].rate[BUCKET_PPS] == 0 && counted_nothing(&plane, slot);
}

static bool distinct(const struct image *a, const struct image *b)
{
	static bool taken[CAP_RULE_SLOTS];

	memset(taken, 0, sizeof taken);
	for (uint32_t i = 0; i < a->rule_count + b->rule_count; i++) {
		const struct rule *rule =
			i < a->rule_count ? &a->rules[i] : &b->rules[i - a->rule_count];

		if (rule->slot >= CAP_RULE_SLOTS || taken[rule->slot] ||
		    state.head.owner[rule->slot] != rule->id ||
		    plane.slot_rule[rule->slot] != rule->id)
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
	load(&a, NULL);
	CU_ASSERT_TRUE(distinct(&a, &(struct image){0}));
	for (uint32_t i = 0; i < 10; i++)
		use(before[i].slot);
	b = with_rules(after, 105, 10);
	load(&b, &a);
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
	load(&a, NULL);
	b = with_rules(after, 1 + CAP_RULES, CAP_RULES);
	load(&b, &a);
	CU_ASSERT_TRUE(distinct(&a, &b));
}

/* However long it goes on, the running image keeps its slots and the new one starts empty. */
static void test_succession(void)
{
	struct image running = with_rules(before, 1, CAP_RULES), next;
	struct rule *mine = before, *other = after;

	setup();
	load(&running, NULL);
	for (uint32_t round = 1; round < 6; round++) {
		struct rule *swap = mine;

		for (uint32_t i = 0; i < CAP_RULES; i++)
			use(mine[i].slot);
		next = with_rules(other, 1 + round * CAP_RULES, CAP_RULES);
		load(&next, &running);
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
	load(&a, NULL);
	slot = before[1].slot;
	use(slot);
	b = with_rules(after, 50, 3);
	load(&b, &a);
	a = with_rules(before, 1, 3);
	load(&a, &b);
	CU_ASSERT_EQUAL(before[1].slot, slot);
	CU_ASSERT_TRUE(used(slot));
}

/* Who shares the state finds the slots given, and counts in them from zero, once. */
static void test_two_planes(void)
{
	struct image mine, theirs;

	setup();
	mine = with_rules(before, 1, 3);
	load(&mine, NULL);
	use(before[2].slot);
	theirs = with_rules(after, 1, 3);
	slots_assign(&state.head, &theirs, NULL);
	count_in(&other_plane, &theirs);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(after[i].slot, before[i].slot);
	CU_ASSERT_TRUE(used(after[2].slot));
	CU_ASSERT_TRUE(counted_nothing(&other_plane, after[2].slot));
	count(&other_plane, after[2].slot);
	count_in(&other_plane, &theirs);
	CU_ASSERT_TRUE(counted(&other_plane, after[2].slot));
}

/* A slot that the other gave away still counts for its rule here, until this one has the next. */
static void test_counts_apart(void)
{
	struct image a, b = {0};
	uint16_t slot;

	setup();
	a = with_rules(before, 1, 1);
	load(&a, NULL);
	slot = before[0].slot;
	use(slot);
	for (uint32_t round = 0; state.head.owner[slot] == 1 && round < 3; round++) {
		b = with_rules(after, 2 + round * CAP_RULES, CAP_RULES);
		slots_assign(&state.head, &b, NULL);
		count_in(&other_plane, &b);
	}
	CU_ASSERT_NOT_EQUAL_FATAL(state.head.owner[slot], 1);
	CU_ASSERT_EQUAL(plane.slot_rule[slot], 1);
	CU_ASSERT_TRUE(counted(&plane, slot));
	count_in(&plane, &b);
	CU_ASSERT_EQUAL(plane.slot_rule[slot], state.head.owner[slot]);
	CU_ASSERT_TRUE(counted_nothing(&plane, slot));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a rule keeps its slot by its id", test_id_keeps_slot},
		{"two policies of all rules fit", test_two_full_policies},
		{"slots are handed on for ever", test_succession},
		{"a policy that comes back finds its buckets", test_return},
		{"two planes share slots and not counts", test_two_planes},
		{"each counts for the rules of its own image", test_counts_apart},
		CU_TEST_INFO_NULL,
	};

	return suite_run("slots", tests);
}
