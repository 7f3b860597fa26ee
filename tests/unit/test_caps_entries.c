/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sixteen million set entries, the cap: single addresses, and prefixes that nest. Apart from
 * the other caps for the memory it takes; skipped, as meson says it, where there is less.
 */
#include "compile/segments.h"
#include "compile/singles.h"
#include "policies.h"

#include <unistd.h>

enum { SKIPPED = 77, PROBES = 1000000 };
#define MEMORY_NEEDED (UINT64_C(5) << 30)

/* Half of the entries are 1.0.0.0, 1.0.0.1 and so on, half 2001:db8::/64 and so on. */
static void fill(struct entries *entries, size_t count)
{
	size_t half = count / 2;

	for (size_t i = 0; i < count; i++) {
		uint64_t high = UINT64_C(0x20010db800000000) + 2 * (i - half);
		struct entry_params entry = {
			.prefix = i < half ? (struct prefix){{0, 0x01000000 + i}, 0, 32}
					   : (struct prefix){{high, 0}, 1, 64},
		};

		CU_ASSERT_EQUAL_FATAL(entries_put(entries, &entry), 0);
	}
}

static struct policy *policy_of(size_t count)
{
	struct policy *policy = policy_empty();
	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, "many", SET_BLOCK), 0);
	fill(&policy->sets[0].entries, count);
	return policy;
}

static unsigned wrong_answers(const struct image *image, uint64_t half)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t at = random_u64() % (2 * half);
		struct packet ip4 = packet_from(false, (struct address){0, 0x01000000 + at});
		struct packet ip6 = packet_from(
			true, (struct address){UINT64_C(0x20010db800000000) + at, random_u64()});

		wrong += set_find(image, ip4.kind == PACKET_IP6, ip4.source, 0) !=
			 (at < half ? SET_BLOCK : 0);
		wrong += set_find(image, ip6.kind == PACKET_IP6, ip6.source, 0) !=
			 (at % 2 ? 0 : SET_BLOCK);
	}
	return wrong;
}

/* The sets' segments alone are those of the policy: printing its document takes more. */
static void check(size_t count)
{
	struct policy *policy = policy_of(count);
	struct error error = {0};
	struct made made;

	CU_ASSERT_EQUAL(caps_check(policy, &error), 0);
	made_from(&made, policy_empty());
	for (unsigned kind = SEGMENT_SETS; kind <= SEGMENT_LATEST; kind++)
		segment_unref(made.compiled.segment[kind]);
	CU_ASSERT_EQUAL_FATAL(sets_compile(policy, &made.compiled.segment[SEGMENT_SETS], &error),
			      0);
	CU_ASSERT_EQUAL_FATAL(singles_compile(policy, made.compiled.segment, &error), 0);
	CU_ASSERT_EQUAL_FATAL(compiled_open(&made.compiled, &made.image, &error), 0);
	CU_ASSERT_EQUAL(wrong_answers(&made.image, count / 2), 0);
	made_free(&made);
	policy_free(policy);
}

static void test_below(void)
{
	check(CAP_SET_ENTRIES - 1);
}

static void test_at(void)
{
	check(CAP_SET_ENTRIES);
}

static void test_past(void)
{
	struct policy *policy = policy_of(CAP_SET_ENTRIES + 1);
	struct feed_paths paths = {0};
	struct compiled compiled;
	struct error error = {0};

	CU_ASSERT_EQUAL(compile(policy, &paths, NULL, &compiled, &error), -1);
	CU_ASSERT_EQUAL(error.code, ERROR_CAPACITY);
	CU_ASSERT_STRING_EQUAL(error.path, "sets");
	CU_ASSERT_PTR_NULL(compiled.segment[SEGMENT_SETS]);
	policy_free(policy);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"below", test_below},
		{"at", test_at},
		{"past", test_past},
		CU_TEST_INFO_NULL,
	};
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	return memory < MEMORY_NEEDED ? SKIPPED : suite_run("caps of entries", tests);
}
