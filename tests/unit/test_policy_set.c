/* SPDX-License-Identifier: BSD-3-Clause */
/* Editing sets, against a model that is an array with a place for every prefix there is. */
#include "policy/policy.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

/* 32 addresses with their /32, /31 and /30: prefixes enough to meet one another. */
enum { ADDRESSES = 32, PLACES = 3 * ADDRESSES, ROUNDS = 3000, MOST = 12 };

struct model {
	bool there[PLACES];
	uint64_t expires_ns[PLACES];
	unsigned reason[PLACES]; /* 0: none */
};

static uint64_t random_state = 1;

static unsigned random_below(unsigned limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(random_state >> 33) % limit;
}

static struct prefix place_prefix(unsigned place)
{
	unsigned shorter = place / ADDRESSES;
	uint64_t address = place % ADDRESSES & ~((1u << shorter) - 1);

	if (place % ADDRESSES < ADDRESSES / 2)
		return (struct prefix){{0, address}, 0, (uint8_t)(32 - shorter)};
	return (struct prefix){{address, 0}, 1, (uint8_t)(64 - shorter)};
}

/* The first place of equal prefix stands for all. */
static unsigned place_any(void)
{
	unsigned place = random_below(PLACES), shorter = place / ADDRESSES;

	return place & ~((1u << shorter) - 1);
}

static struct entry_params entry_make(unsigned place, uint64_t expires_ns, unsigned reason)
{
	struct entry_params entry = {.prefix = place_prefix(place), .expires_ns = expires_ns};

	char text[32];

	snprintf(text, sizeof text, "reason %u", reason);
	if (reason)
		entry.reason = reason_new(text);
	return entry;
}

static void check_equal(const struct set_params *set, const struct model *model)
{
	char reason[32];
	size_t count = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		struct prefix prefix = place_prefix(place);
		const struct entry_params *entry = entries_find(&set->entries, &prefix);

		if (!model->there[place])
			continue;
		count++;
		CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
		CU_ASSERT_EQUAL(entry->expires_ns, model->expires_ns[place]);
		snprintf(reason, sizeof reason, "reason %u", model->reason[place]);
		if (model->reason[place])
			CU_ASSERT_STRING_EQUAL(entry->reason, reason);
		CU_ASSERT_EQUAL(entry->reason == NULL, model->reason[place] == 0);
	}
	CU_ASSERT_EQUAL(set->entries.sum.count, count);
}

static void add_some(struct set_params *set, struct model *model)
{
	struct entry_params entries[MOST];
	struct model before = *model;
	unsigned count = random_below(MOST + 1);
	size_t changed = 77, expected = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned place = place_any();

		model->there[place] = true;
		model->expires_ns[place] = random_below(4);
		model->reason[place] = random_below(3);
		entries[i] = entry_make(place, model->expires_ns[place], model->reason[place]);
	}
	for (unsigned place = 0; place < PLACES; place++)
		expected += model->there[place] &&
			    (!before.there[place] ||
			     before.expires_ns[place] != model->expires_ns[place] ||
			     before.reason[place] != model->reason[place]);
	CU_ASSERT_EQUAL(set_params_add(set, entries, count, &changed), 0);
	CU_ASSERT_EQUAL(changed, expected);
}

static void remove_some(struct set_params *set, struct model *model)
{
	struct prefix prefixes[MOST];
	unsigned count = random_below(MOST + 1);
	size_t changed = 77, expected = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned place = place_any();

		prefixes[i] = place_prefix(place);
		expected += model->there[place];
		model->there[place] = false;
	}
	CU_ASSERT_EQUAL(set_params_remove(set, prefixes, count, &changed), 0);
	CU_ASSERT_EQUAL(changed, expected);
}

static void expire_some(struct set_params *set, struct model *model)
{
	uint64_t now_ns = random_below(4);
	size_t expected = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		bool expired = model->there[place] && model->expires_ns[place] != 0 &&
			       model->expires_ns[place] <= now_ns;

		expected += expired;
		model->there[place] &= !expired;
	}
	CU_ASSERT_EQUAL(set_params_expire(set, now_ns, SIZE_MAX), expected);
}

static void test_model(void)
{
	struct policy *policy = policy_empty();
	struct model model = {0};
	unsigned most = 0;

	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "bots", SET_BLOCK), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned what = random_below(8);

		if (what < 5)
			add_some(&policy->sets[0], &model);
		else if (what < 7)
			remove_some(&policy->sets[0], &model);
		else
			expire_some(&policy->sets[0], &model);
		check_equal(&policy->sets[0], &model);
		if (policy->sets[0].entries.sum.count > most)
			most = policy->sets[0].entries.sum.count;
	}
	CU_ASSERT(most > MOST);
	policy_free(policy);
}

static void test_add_set(void)
{
	struct policy *policy = policy_empty();
	char name[16];

	for (unsigned i = 0; i < CAP_SETS; i++) {
		snprintf(name, sizeof name, "set-%u", i);
		CU_ASSERT_EQUAL(policy_add_set(policy, name, SET_ALLOW), i);
	}
	CU_ASSERT_EQUAL(policy_add_set(policy, "one-more", SET_ALLOW), NONE);
	CU_ASSERT_EQUAL(policy->set_count, CAP_SETS);
	CU_ASSERT_EQUAL(policy_set(policy, "set-4095"), 4095);
	CU_ASSERT_EQUAL(policy_set(policy, "set-4096"), NONE);
	policy_free(policy);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"add, remove and expire as the model does", test_model},
		{"sets added up to the cap", test_add_set},
		CU_TEST_INFO_NULL,
	};

	return suite_run("policy_set", tests);
}
