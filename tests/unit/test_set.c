/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets against a model that asks every entry. */
#include "policies.h"

enum { SETS = 3, ENTRIES = 150, ADDRESSES = 3000, ROUNDS = 40, MOMENTS = 6 };

/* design: longest prefix over all unexpired entries that hold the source; block wins a tie. */
static uint32_t naive_find(const struct policy *policy, const struct packet *packet, uint64_t now)
{
	uint32_t verdict = 0;
	int longest = -1;

	for (size_t i = 0; i < policy->set_count; i++) {
		const struct set_params *set = &policy->sets[i];

		struct entries_cursor cursor = entries_first(&set->entries, ENTRIES_ALL, 0);
		const struct entry_params *entry;

		for (; (entry = entries_at(&cursor)); entries_next(&cursor)) {
			if ((entry->expires_ns && entry->expires_ns <= now) ||
			    entry->prefix.length < longest ||
			    !prefix_holds(&entry->prefix, packet->kind == PACKET_IP6,
					  packet->source))
				continue;
			if (entry->prefix.length > longest || set->verdict == SET_BLOCK)
				verdict = set->verdict;
			longest = entry->prefix.length;
		}
	}
	return verdict;
}

static struct policy *random_policy(void)
{
	struct policy *policy = policy_empty();

	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	for (unsigned i = 0; i < SETS; i++) {
		static struct entry_params entries[ENTRIES];
		size_t count = random_below(ENTRIES + 1), changed;
		char name[] = {'s', (char)('0' + i), '\0'};
		uint8_t verdict = random_u64() & 1 ? SET_BLOCK : SET_ALLOW;
		uint16_t set = policy_add_set(policy, name, verdict);

		CU_ASSERT_NOT_EQUAL_FATAL(set, NONE);
		for (size_t j = 0; j < count; j++)
			entries[j] = (struct entry_params){
				.prefix = random_prefix(),
				.expires_ns = random_below(2) ? 1 + random_below(MOMENTS) : 0,
			};
		CU_ASSERT_EQUAL_FATAL(set_params_add(&policy->sets[set], entries, count, &changed),
				      0);
	}
	return policy;
}

/* An address that some entry holds, more often than not. */
static struct packet random_source(const struct policy *policy)
{
	const struct set_params *set = &policy->sets[random_below(SETS)];
	bool ip6 = random_u64() & 1;
	struct entries_cursor cursor;
	const struct prefix *prefix;

	if (set->entries.sum.count == 0 || random_below(3) == 0)
		return packet_from(ip6, random_address(ip6));
	cursor = entries_skip(&set->entries, random_below(set->entries.sum.count), 0);
	prefix = &entries_at(&cursor)->prefix;
	return packet_from(prefix->ip6, prefix->address);
}

static void compare(const struct made *made)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < ADDRESSES; i++) {
		struct packet packet = random_source(made->policy);
		uint64_t now = random_below(MOMENTS + 2);

		wrong += set_find(&made->image, &packet, now) !=
			 naive_find(made->policy, &packet, now);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_random(void)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made;

		made_from(&made, random_policy());
		compare(&made);
		made_free(&made);
	}
}

/* Single addresses in numbers that fill exact lines until they overflow. */
static void test_exact(void)
{
	enum { SINGLES = 20000 };
	static struct entry_params entries[SINGLES];
	struct policy *policy = policy_empty();
	struct made made;
	unsigned wrong = 0;
	size_t changed;

	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	for (unsigned i = 0; i < SINGLES; i++)
		entries[i].prefix =
			(struct prefix){{i % 2 ? 0x20010db8 : 0, i * 7}, i % 2, i % 2 ? 128 : 32};
	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "many", SET_BLOCK), 0);
	CU_ASSERT_EQUAL_FATAL(set_params_add(&policy->sets[0], entries, SINGLES, &changed), 0);
	made_from(&made, policy);
	CU_ASSERT_EQUAL(made.image.sets.ip4.count, 0);
	CU_ASSERT_EQUAL(made.image.sets.ip6.count, 0);
	for (unsigned i = 0; i < SINGLES * 7; i++) {
		bool ip6 = i % 14 / 7;
		struct packet packet = packet_from(ip6, (struct address){ip6 ? 0x20010db8 : 0, i});

		wrong += set_find(&made.image, &packet, 0) != (i % 7 == 0 ? SET_BLOCK : 0);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	made_free(&made);
}

#define MOMENT UINT64_C(946684800000000000) /* 2000-01-01T00:00:00Z */

/* What the rows below hold against each other, at one address and two moments. */
static void test_ties(void)
{
	static const struct {
		const char *sets;
		uint32_t at_1, at_3; /* seconds after MOMENT */
	} rows[] = {
		{"'a':{'verdict':'allow','entries':['10.0.0.1']},"
		 "'b':{'verdict':'block','entries':['10.0.0.1']}",
		 SET_BLOCK, SET_BLOCK},
		{"'b':{'verdict':'block','entries':['10.0.0.0/8']},"
		 "'a':{'verdict':'allow','entries':['10.0.0.0/8']}",
		 SET_BLOCK, SET_BLOCK},
		{"'a':{'verdict':'allow','entries':['10.0.0.1']},"
		 "'b':{'verdict':'block','entries':['10.0.0.0/8']}",
		 SET_ALLOW, SET_ALLOW},
		{"'a':{'verdict':'allow','entries':['10.0.0.1']},'b':{'verdict':'block','entries':"
		 "[{'prefix':'10.0.0.1','expires':'2000-01-01T00:00:02Z'}]}",
		 SET_BLOCK, SET_ALLOW},
		{"'a':{'verdict':'block','entries':"
		 "[{'prefix':'10.0.0.1','expires':'2000-01-01T00:00:02Z'}]},"
		 "'b':{'verdict':'block','entries':"
		 "[{'prefix':'10.0.0.1','expires':'2000-01-01T00:00:04Z'}]}",
		 SET_BLOCK, SET_BLOCK},
		{"'a':{'verdict':'block','entries':['10.0.0.1']},'b':{'verdict':'block','entries':"
		 "[{'prefix':'10.0.0.1','expires':'2000-01-01T00:00:02Z'}]}",
		 SET_BLOCK, SET_BLOCK},
		{"'b':{'verdict':'block','entries':"
		 "[{'prefix':'10.0.0.1','expires':'2000-01-01T00:00:02Z'}]}",
		 SET_BLOCK, 0},
		{"'a':{'verdict':'allow','entries':['10.0.0.0/"
		 "9']},'b':{'verdict':'block','entries':"
		 "[{'prefix':'10.0.0.1','expires':'2000-01-01T00:00:02Z'}]}",
		 SET_BLOCK, SET_ALLOW},
	};
	struct packet packet = packet_from(false, (struct address){0, 0x0a000001});

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char document[512];
		struct made made;

		snprintf(document, sizeof document,
			 "{'schema':1,'origins':{'feeds':[]},'sets':{%s}}", rows[i].sets);
		made_from(&made, policy_from(document));
		CU_ASSERT_EQUAL(set_find(&made.image, &packet, MOMENT + 1000000000), rows[i].at_1);
		CU_ASSERT_EQUAL(set_find(&made.image, &packet, MOMENT + 3000000000), rows[i].at_3);
		made_free(&made);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"random entries", test_random},
		{"single addresses", test_exact},
		{"ties and expiry", test_ties},
		CU_TEST_INFO_NULL,
	};

	return suite_run("set", tests);
}
