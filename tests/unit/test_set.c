/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets against a model that asks every entry. */
#include "compile/fold.h"
#include "compile/singles.h"
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

		wrong += set_find(&made->image, packet.kind == PACKET_IP6, packet.source, now) !=
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

		wrong += set_find(&made.image, packet.kind == PACKET_IP6, packet.source, 0) !=
			 (i % 7 == 0 ? SET_BLOCK : 0);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	made_free(&made);
}

/* Single addresses and a few prefixes, so dense that changes meet one another. */
static struct prefix place_prefix(unsigned place)
{
	bool ip6 = place % 3 == 0;
	uint8_t bits = ip6 ? 128 : 32, length = place % 4096 == 0 ? bits - 4 : bits;
	uint64_t at = (uint64_t)place * 16;

	return (struct prefix){{ip6 ? 0x20010db8 : 0, at}, ip6, length};
}

/* Add to or remove from one of two sets, of which one allows. */
static void change_some(struct policy *policy, unsigned places, unsigned count)
{
	struct set_params *set = &policy->sets[random_below(2)];
	bool removes = random_below(3) == 0;
	size_t changed;

	for (unsigned i = 0; i < count; i++) {
		struct entry_params entry = {
			.prefix = place_prefix(random_below(places)),
			.expires_ns = random_below(3) ? 0 : 1 + random_below(MOMENTS),
		};

		int result = removes ? set_params_remove(set, &entry.prefix, 1, &changed)
				     : set_params_add(set, &entry, 1, &changed);

		CU_ASSERT_EQUAL_FATAL(result, 0);
	}
}

/* The compilation that builds on earlier ones says what one from nothing does. */
static void compare_places(const struct made *built, const struct made *anew, unsigned places,
			   unsigned asked)
{
	unsigned wrong = 0, held = 0;

	for (unsigned i = 0; i < asked; i++) {
		struct prefix prefix = place_prefix(random_below(places));
		struct packet packet = packet_from(prefix.ip6, prefix.address);
		uint64_t now = random_below(MOMENTS + 2);
		uint32_t found =
			set_find(&built->image, packet.kind == PACKET_IP6, packet.source, now);

		wrong += found !=
			 set_find(&anew->image, packet.kind == PACKET_IP6, packet.source, now);
		held += found != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(held > 0);
}

static size_t lines_of(const struct made *made, enum segment_kind kind)
{
	const struct segment_header *header = made->compiled.segment[kind]->data;

	return header->array[SINGLES_EXACT4].count;
}

/* How often each layer was seen to hold any. */
static void count_layers(const struct made *made, unsigned seen[SEGMENT_KINDS])
{
	for (unsigned kind = SEGMENT_SINGLES; kind <= SEGMENT_LATEST; kind++)
		seen[kind] += lines_of(made, kind) > 0;
}

/* Compiling what the sets hold alone gives the same image. */
static void compare_entries(const struct made *next, const struct compiled *previous)
{
	struct compiled alone;
	struct error error;

	CU_ASSERT_EQUAL_FATAL(compile_entries(next->policy, previous, &alone, &error), 0);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment *a = alone.segment[kind], *b = next->compiled.segment[kind];

		CU_ASSERT(a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
	}
	compiled_unref(&alone);
}

static void test_layers(void)
{
	enum { PLACES = 100000, CHANGES = 60, MANY = LATER_MOST / 3 };
	static const unsigned counts[] = {1, 1, 3, 40, 300, LATEST_MOST + 1, 2000, MANY};
	unsigned seen[SEGMENT_KINDS] = {0};
	struct policy *policy = policy_empty();
	struct made made;

	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "a", SET_ALLOW), 0);
	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "b", SET_BLOCK), 1);
	while (policy_entries(policy) < PLACES / 8)
		change_some(policy, PLACES, PLACES / 4);
	made_from(&made, policy);
	for (unsigned i = 0; i < CHANGES; i++) {
		struct feed_paths paths = {0};
		struct error error = {0};
		struct made next = {.policy = policy_copy(made.policy)}, anew;

		change_some(next.policy, PLACES, counts[random_below(8)]);
		CU_ASSERT_EQUAL_FATAL(
			compile(next.policy, &paths, &made.compiled, &next.compiled, &error), 0);
		compare_entries(&next, &made.compiled);
		CU_ASSERT_EQUAL_FATAL(compiled_open(&next.compiled, &next.image, &error), 0);
		made_free(&made);
		made = next;
		count_layers(&made, seen);
		if (i % 6 > 0)
			continue;
		made_from(&anew, policy_copy(made.policy));
		compare_places(&made, &anew, PLACES, 50000);
		made_free(&anew);
	}
	for (unsigned kind = SEGMENT_SINGLES; kind <= SEGMENT_LATEST; kind++)
		CU_ASSERT(seen[kind] > CHANGES / 10);
	made_free(&made);
}

/* A fold, and what changed while it was made, say together what a compilation from nothing does. */
static void test_fold(void)
{
	enum { PLACES = 200000 };
	struct policy *policy = policy_empty();
	struct error error = {0};
	struct compiled base;
	struct made made, next, anew;
	struct fold *fold = NULL;

	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "a", SET_ALLOW), 0);
	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "b", SET_BLOCK), 1);
	change_some(policy, PLACES, 1000);
	made_from(&made, policy);
	CU_ASSERT(!fold_is_due(&made.compiled));
	for (unsigned i = 0; i < 4; i++) {
		next = (struct made){.policy = policy_copy(made.policy)};
		change_some(next.policy, PLACES, 1000);
		while (policy_entries(next.policy) < 3 * LATER_FOLD / 2)
			change_some(next.policy, PLACES, LATER_FOLD);
		CU_ASSERT_EQUAL_FATAL(
			compile_entries(next.policy, &made.compiled, &next.compiled, &error), 0);
		if (i == 0) {
			CU_ASSERT(fold_is_due(&next.compiled));
			fold = fold_new(next.policy, &next.compiled);
			CU_ASSERT_PTR_NOT_NULL_FATAL(fold);
		}
		made_free(&made);
		made = next;
	}
	CU_ASSERT_EQUAL(fold_run(fold), 0);
	CU_ASSERT(fold_base(fold, &made.compiled, &base));
	next = (struct made){.policy = policy_copy(made.policy)};
	change_some(next.policy, PLACES, 100);
	CU_ASSERT_EQUAL_FATAL(compile_entries(next.policy, &base, &next.compiled, &error), 0);
	CU_ASSERT_EQUAL_FATAL(compiled_open(&next.compiled, &next.image, &error), 0);
	CU_ASSERT(next.compiled.segment[SEGMENT_SINGLES] == fold_segment(fold));
	CU_ASSERT(!fold_is_due(&next.compiled));
	made_from(&anew, policy_copy(next.policy));
	compare_places(&next, &anew, PLACES, 200000);
	made_free(&anew);
	fold_free(fold);
	compiled_unref(&base);
	made_free(&made);
	made_free(&next);
}

/* With another salt addresses are looked for elsewhere. */
static void test_fold_of_another_salt(void)
{
	struct policy *policy = policy_empty();
	struct made made, other;
	struct compiled base;
	struct fold *fold;

	made_from(&made, policy);
	fold = fold_new(made.policy, &made.compiled);
	policy = policy_copy(made.policy);
	policy->salt[3] ^= 1;
	made_from(&other, policy);
	CU_ASSERT_EQUAL(fold_run(fold), 0);
	CU_ASSERT(!fold_base(fold, &other.compiled, &base));
	fold_free(fold);
	made_free(&made);
	made_free(&other);
}

/* Entries that leave after they have expired leave the image as it is. */
static void test_expired_leave(void)
{
	struct policy *policy = policy_empty();
	struct error error = {0};
	struct made made, next;
	size_t changed;

	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "a", SET_BLOCK), 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct entry_params entry = {.prefix = place_prefix(i), .expires_ns = 1 + i % 10};

		CU_ASSERT_EQUAL(set_params_add(&policy->sets[0], &entry, 1, &changed), 0);
	}
	made_from(&made, policy);
	next = (struct made){.policy = policy_copy(made.policy)};
	CU_ASSERT_EQUAL(policy_expire(next.policy, 5, 64), 64);
	CU_ASSERT_EQUAL(policy_expire(next.policy, 5, 1000), policy_entries(made.policy) / 2 - 64);
	CU_ASSERT_EQUAL(policy_expire(next.policy, 5, 1000), 0);
	CU_ASSERT_EQUAL_FATAL(compile_entries(next.policy, &made.compiled, &next.compiled, &error),
			      0);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		CU_ASSERT(next.compiled.segment[kind] == made.compiled.segment[kind]);
	made_free(&made);
	made_free(&next);
}

/* A change of one address writes one small segment; the same again, none. */
static void test_change_of_one(void)
{
	struct policy *policy = policy_empty();
	struct feed_paths paths = {0};
	struct error error = {0};
	struct made made, next;

	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "a", SET_BLOCK), 0);
	change_some(policy, 5000, 0);
	made_from(&made, policy);
	for (unsigned i = 0; i < 2; i++) {
		struct entry_params entry = {.prefix = place_prefix(123456 + 1 - i / 2)};
		size_t changed;

		next = (struct made){.policy = policy_copy(made.policy)};
		CU_ASSERT_EQUAL(set_params_add(&next.policy->sets[0], &entry, 1, &changed), 0);
		CU_ASSERT_EQUAL(changed, i == 0);
		CU_ASSERT_EQUAL_FATAL(
			compile(next.policy, &paths, &made.compiled, &next.compiled, &error), 0);
		for (unsigned kind = 0; kind < SEGMENT_DOCUMENT; kind++)
			CU_ASSERT_EQUAL(next.compiled.segment[kind] == made.compiled.segment[kind],
					kind != SEGMENT_LATEST || i > 0);
		made_free(&made);
		made = next;
	}
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
		CU_ASSERT_EQUAL(set_find(&made.image, packet.kind == PACKET_IP6, packet.source,
					 MOMENT + 1000000000),
				rows[i].at_1);
		CU_ASSERT_EQUAL(set_find(&made.image, packet.kind == PACKET_IP6, packet.source,
					 MOMENT + 3000000000),
				rows[i].at_3);
		made_free(&made);
	}
}

static bool timed(const char *document)
{
	void *segments[SEGMENT_KINDS];
	struct made made;
	bool result;

	made_from(&made, policy_from(document));
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = made.compiled.segment[kind]->data;
	result = image_timed(segments, &made.image);
	made_free(&made);
	return result;
}

/* Which policies a clock has a say in. */
static void test_timed(void)
{
#define SET(entries) "{'schema':1,'sets':{'b':{'verdict':'block','entries':[" entries "]}}}"
#define RULE(limit)  "{'schema':1,'rules':[{'name':'r','admit':'50%','limit':{" limit "}}]}"
	CU_ASSERT_FALSE(timed(SET("'10.0.0.0/8','10.0.0.1','2001:db8::1'")));
	CU_ASSERT(timed(SET("{'prefix':'10.0.0.0/8','expires':'2040-01-01T00:00:00Z'}")));
	CU_ASSERT(timed(SET("{'prefix':'10.0.0.1','expires':'2040-01-01T00:00:00Z'}")));
	CU_ASSERT_FALSE(timed("{'schema':1,'rules':[{'name':'r','admit':'50%'}]}"));
	CU_ASSERT(timed(RULE("'source':{'pps':1}")));
	CU_ASSERT(timed(RULE("'source':{'bps':10000}")));
	CU_ASSERT(timed(RULE("'rule':{'pps':1}")));
	CU_ASSERT(timed("{'schema':1,'host':{'pps':1}}"));
#undef SET
#undef RULE
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"random entries", test_random},
		{"single addresses", test_exact},
		{"ties and expiry", test_ties},
		{"layers", test_layers},
		{"a fold", test_fold},
		{"a fold of another salt", test_fold_of_another_salt},
		{"expired entries leave", test_expired_leave},
		{"a change of one address", test_change_of_one},
		{"policies that a clock has a say in", test_timed},
		CU_TEST_INFO_NULL,
	};

	return suite_run("set", tests);
}
