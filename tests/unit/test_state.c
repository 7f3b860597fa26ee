/* SPDX-License-Identifier: BSD-3-Clause */
/* Source lines: full ones, idle ones, and two threads on one bucket. */
#include "state.h"
#include "suite.h"

#include <pthread.h>
#include <string.h>

enum { LINES = 64 };

/* One packet a millisecond, ten at once. */
static const struct bucket_profile profile = {
	.cost = UINT64_C(1000000) << BUCKET_TICK_BITS,
	.limit = UINT64_C(10000000) << BUCKET_TICK_BITS,
};

static struct source_line lines[LINES];
static struct state state;

static void setup(uint32_t count, bool shared)
{
	memset(lines, 0, sizeof lines);
	state_init(&state, lines, count, (struct siphash_key){1, 2}, 0, shared);
}

static bool take(uint64_t key, uint64_t now)
{
	uint64_t hash = state_source_hash(&state, key, false);
	uint64_t *word = state_source(&state, &state.rules[1], 1, hash, BUCKET_PPS, now);

	if (!state_ask(&state, word, &profile, now, profile.cost))
		return false;
	state_take(&state, word, &profile, now, profile.cost);
	return true;
}

static int take_all(uint64_t key, uint64_t now)
{
	int taken = 0;

	while (take(key, now))
		taken++;
	return taken;
}

static void test_own_bucket(void)
{
	setup(LINES, false);
	CU_ASSERT_EQUAL(take_all(1, 0), 10);
	CU_ASSERT_EQUAL(take_all(2, 0), 10);
	CU_ASSERT_EQUAL(take_all(1, profile.cost), 1);
	CU_ASSERT_EQUAL(take_all(1, 4 * profile.cost - 1), 2);
	CU_ASSERT_EQUAL(take_all(1, 1000 * profile.cost), 10);
}

/* Two lines hold eight buckets; the rest share, and no source ever gets more than its own. */
static void test_full_table(void)
{
	int total = 0;

	setup(2, false);
	for (uint64_t key = 1; key <= 1000; key++) {
		int taken = take_all(key, 0);

		CU_ASSERT(taken <= 10);
		total += taken;
	}
	CU_ASSERT(total <= 10 * (2 * SOURCE_WAYS + SOURCE_OVERFLOWS));
	CU_ASSERT(total >= 10 * 2 * SOURCE_WAYS);
}

/* A source that overflowed and then finds a free way must not start with a full bucket. */
static void test_leaving_overflow(void)
{
	uint64_t now = 0, settled = 0;

	setup(2, false);
	for (uint64_t key = 1; key <= 1000; key++)
		take_all(key, now);
	for (now = 1; now <= 20 * profile.cost; now += profile.cost / 2) {
		for (uint64_t key = 2000; key < 2100; key++)
			settled += (uint64_t)take_all(key, now);
	}
	CU_ASSERT(settled <= (2 * SOURCE_WAYS + SOURCE_OVERFLOWS) * UINT64_C(21));
}

/* A quick rule must not forgive what a slow one's sources owe, though lines are shared. */
static void test_rules_apart(void)
{
	const struct bucket_profile quick = {.cost = profile.cost / 1000,
					     .limit = profile.cost / 100};
	struct rule_state *slow_rule = &state.rules[1], *quick_rule = &state.rules[2];
	int taken = 0;

	setup(2, false);
	for (uint64_t key = 1; key <= 1000; key++)
		take_all(key, 0);
	for (uint64_t key = 1; key <= 1000; key++) {
		uint64_t hash = state_source_hash(&state, key, false);
		uint64_t *word = state_source(&state, quick_rule, 2, hash, BUCKET_PPS, 0);

		CU_ASSERT(word < (uint64_t *)slow_rule || word >= (uint64_t *)(slow_rule + 1));
		state_ask(&state, word, &quick, 0, quick.cost);
	}
	for (uint64_t key = 1; key <= 1000; key++)
		taken += take_all(key, 0);
	CU_ASSERT_EQUAL(taken, 0);
}

static void test_rates_apart(void)
{
	setup(2, false);
	for (uint64_t key = 0; key < 1000; key++) {
		uint64_t hash, *pps, *bps;

		hash = state_source_hash(&state, key, key & 1);
		pps = state_source(&state, &state.rules[7], 7, hash, BUCKET_PPS, 0);
		bps = state_source(&state, &state.rules[7], 7, hash, BUCKET_BPS, 0);
		CU_ASSERT_PTR_NOT_EQUAL(pps, bps);
		CU_ASSERT_PTR_EQUAL(pps,
				    state_source(&state, &state.rules[7], 7, hash, BUCKET_PPS, 0));
	}
}

/* After a change to a far quicker profile the bucket is empty, neither full nor shut for long. */
static void test_changed_profile(void)
{
	struct bucket_profile quick = {.cost = profile.cost / 1000, .limit = profile.cost / 100};
	uint64_t word = bucket_ticks(3600 * UINT64_C(1000000000));

	setup(LINES, false);
	CU_ASSERT_FALSE(state_ask(&state, &word, &quick, 0, quick.cost));
	CU_ASSERT_FALSE(state_ask(&state, &word, &quick, quick.cost - 1, quick.cost));
	CU_ASSERT(state_ask(&state, &word, &quick, quick.cost, quick.cost));
	CU_ASSERT_FALSE(state_ask(&state, &word, &quick, quick.cost, 2 * quick.cost));
}

enum { THREADED_PACKETS = 2000 };

static pthread_barrier_t step;

static void *drain(void *taken)
{
	for (uint64_t now = 0; now < THREADED_PACKETS * profile.cost; now += profile.cost / 4) {
		pthread_barrier_wait(&step);
		*(uint64_t *)taken += take(1, now);
	}
	return NULL;
}

/* Two workers ask for one source, at the same moments, eight times its rate: it gets its rate. */
static void test_two_workers(void)
{
	uint64_t taken[2] = {0, 0};
	pthread_t thread;

	setup(LINES, true);
	CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&step, NULL, 2), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, drain, &taken[0]), 0);
	drain(&taken[1]);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&step);
	CU_ASSERT(taken[0] + taken[1] >= THREADED_PACKETS);
	CU_ASSERT(taken[0] + taken[1] <= THREADED_PACKETS + 11);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"each source has its bucket", test_own_bucket},
		{"a full table shares the rest", test_full_table},
		{"leaving overflow takes the backlog along", test_leaving_overflow},
		{"two rules never share an overflow bucket", test_rules_apart},
		{"two rates never share a word", test_rates_apart},
		{"a changed profile finds it empty", test_changed_profile},
		{"two workers", test_two_workers},
		CU_TEST_INFO_NULL,
	};

	return suite_run("state", tests);
}
