/* SPDX-License-Identifier: BSD-3-Clause */
/* Source lines: full ones, idle ones, and two threads on one bucket. */
#include "state.h"
#include "random.h"
#include "suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 64, WAYS = SOURCE_GROUP * SOURCE_WAYS };

/* One packet a millisecond, ten at once. */
static const struct bucket_profile profile = {
	.cost = UINT64_C(1000000) << BUCKET_TICK_BITS,
	.limit = UINT64_C(10000000) << BUCKET_TICK_BITS,
};

static STATE_OF(LINES) few;
static struct state *state = &few.head;

static void setup(uint32_t count, bool shared)
{
	state = &few.head;
	memset(few.line, 0, sizeof few.line);
	state_init(state, count, (struct siphash_key){1, 2}, 0, shared);
}

static bool take(uint64_t key, uint64_t now)
{
	struct source source = state_source_of(state, key, false);
	uint64_t *word =
		state_source(state, state_rule(state, 1), 1, &profile, source, BUCKET_PPS, now);
	struct state_asked asked;

	if (!state_ask(state, word, &profile, now, profile.cost, &asked))
		return false;
	state_take(state, &asked, now, profile.cost);
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

/* Four lines hold 24 buckets; the rest share, and no source ever gets more than its own. */
static void test_full_table(void)
{
	int total = 0;

	setup(SOURCE_GROUP, false);
	for (uint64_t key = 1; key <= 1000; key++) {
		int taken = take_all(key, 0);

		CU_ASSERT(taken <= 10);
		total += taken;
	}
	CU_ASSERT(total <= 10 * (WAYS + SOURCE_OVERFLOWS));
	CU_ASSERT(total >= 10 * WAYS);
}

/* A source that overflowed and then finds a free way must not start with a full bucket. */
static void test_leaving_overflow(void)
{
	uint64_t now = 0, settled = 0;

	setup(SOURCE_GROUP, false);
	for (uint64_t key = 1; key <= 1000; key++)
		take_all(key, now);
	for (now = 1; now <= 20 * profile.cost; now += profile.cost / 2) {
		for (uint64_t key = 2000; key < 2100; key++)
			settled += (uint64_t)take_all(key, now);
	}
	CU_ASSERT(settled <= (WAYS + SOURCE_OVERFLOWS) * UINT64_C(21));
}

static unsigned way_by_way(const struct source_line *line, uint16_t tag)
{
	for (unsigned way = 0; way < SOURCE_WAYS; way++) {
		if ((uint16_t)(line->tags[way / TAG_LANES] >> way % TAG_LANES * TAG_BITS) == tag)
			return way;
	}
	return SOURCE_WAYS;
}

/* Tags that differ in one bit, carry into each other, or stand twice. */
static void test_ways(void)
{
	static const uint16_t tags[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
	struct source_line line;

	for (int i = 0; i < 100000; i++) {
		for (unsigned way = 0; way < 8; way++) {
			uint64_t tag = tags[random_below(6)];

			line.tags[way / 4] = line.tags[way / 4] << 16 | tag;
		}
		for (unsigned j = 0; j < 6; j++)
			CU_ASSERT_EQUAL_FATAL(source_way(&line, tags[j]),
					      way_by_way(&line, tags[j]));
	}
}

/* Few sources in far too few lines, at any times: none gets more than a bucket of its own would. */
static void test_never_more(void)
{
	enum { SOURCES = 60, PACKETS = 200000 };
	uint64_t own[SOURCES] = {0}, now = 0;
	unsigned beyond = 0, admitted = 0;

	setup(SOURCE_GROUP, false);
	for (int i = 0; i < PACKETS; i++) {
		uint64_t source = random_below(SOURCES), taken;

		now += random_below(50) ? random_below(1000) * (profile.cost / 4000)
					: random_below(30) * profile.cost;
		if (!take(source, now))
			continue;
		taken = bucket_taken(own[source], now, profile.cost);
		beyond += !bucket_fits(&profile, taken, now);
		own[source] = taken;
		admitted++;
	}
	CU_ASSERT_EQUAL(beyond, 0);
	CU_ASSERT(admitted > PACKETS / 10);
}

/* Many lines, for tests of what a table holds: the caller's to free. */
static void setup_for(uint64_t sources)
{
	uint32_t count = source_lines_for(sources);

	state = aligned_alloc(_Alignof(struct state), state_size(count));
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	memset(state_line(state, 0), 0, count * sizeof(struct source_line));
	state_init(state, count, (struct siphash_key){1, 2}, 0, false);
}

/* All live at once, in the memory that is promised: all but a few have a bucket of their own. */
static void test_density(void)
{
	enum { SOURCES = 1 << 20 };
	unsigned sharing = 0;

	setup_for(SOURCES);
	CU_ASSERT(state->source_lines * sizeof(struct source_line) <= UINT64_C(27) * SOURCES);
	for (uint64_t key = 0; key < SOURCES; key++)
		take(key, 0);
	for (uint64_t key = 0; key < SOURCES; key++)
		sharing += take_all(key, 0) != 9;
	CU_ASSERT(sharing < SOURCES / 1000);
	free(state);
}

/*
 * Sources that send at their rate, and a flood of others, seen once and each live for as long,
 * ten times what the table holds: the former lose nothing to it.
 */
static void test_flood(void)
{
	enum { HELD = 1 << 12, KNOWN = HELD / 8, ROUNDS = 50, FLOOD = 10 * HELD };
	unsigned refused = 0, strangers = 0;
	uint64_t now = 0, stranger = KNOWN;

	setup_for(HELD);
	for (int round = 0; round < ROUNDS; round++) {
		for (uint64_t key = 0; key < KNOWN; key++) {
			refused += !take(key, now);
			if (round < 2) /* before the flood, twice: they came back */
				continue;
			for (unsigned i = 0; i < FLOOD / KNOWN; i++)
				strangers += take(stranger++, now + key);
		}
		now += 2 * profile.cost;
	}
	CU_ASSERT_EQUAL(refused, 0);
	CU_ASSERT(strangers < stranger / 5);
	free(state);
}

/* A quick rule must not forgive what a slow one's sources owe, though lines are shared. */
static void test_rules_apart(void)
{
	const struct bucket_profile quick = {.cost = profile.cost / 1000,
					     .limit = profile.cost / 100};
	struct rule_state *slow_rule = state_rule(state, 1), *quick_rule = state_rule(state, 2);
	struct state_asked asked;
	int taken = 0;

	setup(SOURCE_GROUP, false);
	for (uint64_t key = 1; key <= 1000; key++)
		take_all(key, 0);
	for (uint64_t key = 1; key <= 1000; key++) {
		struct source source = state_source_of(state, key, false);
		uint64_t *word = state_source(state, quick_rule, 2, &quick, source, BUCKET_PPS, 0);

		CU_ASSERT(word < (uint64_t *)slow_rule || word >= (uint64_t *)(slow_rule + 1));
		state_ask(state, word, &quick, 0, quick.cost, &asked);
	}
	for (uint64_t key = 1; key <= 1000; key++)
		taken += take_all(key, 0);
	CU_ASSERT_EQUAL(taken, 0);
}

static void test_rates_apart(void)
{
	struct rule_state *rule = state_rule(state, 7);

	setup(SOURCE_GROUP, false);
	for (uint64_t key = 0; key < 1000; key++) {
		struct source source = state_source_of(state, key, key & 1);
		uint64_t *pps, *bps;

		pps = state_source(state, rule, 7, &profile, source, BUCKET_PPS, 0);
		bps = state_source(state, rule, 7, &profile, source, BUCKET_BPS, 0);
		CU_ASSERT_PTR_NOT_EQUAL(pps, bps);
		CU_ASSERT_PTR_EQUAL(pps,
				    state_source(state, rule, 7, &profile, source, BUCKET_PPS, 0));
	}
}

/* After a change to a far quicker profile the bucket is empty, neither full nor shut for long. */
static void test_changed_profile(void)
{
	struct bucket_profile quick = {.cost = profile.cost / 1000, .limit = profile.cost / 100};
	uint64_t word = bucket_ticks(3600 * UINT64_C(1000000000));
	struct state_asked asked;

	setup(LINES, false);
	CU_ASSERT_FALSE(state_ask(state, &word, &quick, 0, quick.cost, &asked));
	CU_ASSERT_FALSE(state_ask(state, &word, &quick, quick.cost - 1, quick.cost, &asked));
	CU_ASSERT(state_ask(state, &word, &quick, quick.cost, quick.cost, &asked));
	CU_ASSERT_FALSE(state_ask(state, &word, &quick, quick.cost, 2 * quick.cost, &asked));
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
		{"a tag's way", test_ways},
		{"never more than a bucket of one's own", test_never_more},
		{"so many sources in so much memory", test_density},
		{"a flood does not push out who comes back", test_flood},
		{"leaving overflow takes the backlog along", test_leaving_overflow},
		{"two rules never share an overflow bucket", test_rules_apart},
		{"two rates never share a word", test_rates_apart},
		{"a changed profile finds it empty", test_changed_profile},
		{"two workers", test_two_workers},
		CU_TEST_INFO_NULL,
	};

	return suite_run("state", tests);
}
