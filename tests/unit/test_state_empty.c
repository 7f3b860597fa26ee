/* SPDX-License-Identifier: BSD-3-Clause */
/* A state that began with empty buckets: nobody gets more than their rate, and all get that. */
#include "lease.h"
#include "random.h"
#include "slots.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

enum { LINES = 64, SOURCES = 1000, PACKETS = 300000, RULE = 77 };

/* One packet a millisecond, ten at once. */
#define COST  (UINT64_C(1000000) << BUCKET_TICK_BITS)
#define BURST (10 * COST)
/* The rule's and the host's: a hundred times as many. */
#define TOTAL_COST  (COST / 100)
#define TOTAL_BURST BURST

static STATE_OF(LINES) memory;
static struct state *const state = &memory.head;
static struct rule rule;
static struct image image = {.rules = &rule, .rule_count = 1};
static const struct bucket_limit total = {{{.cost = TOTAL_COST, .limit = TOTAL_BURST}, {0}}};

static void setup(uint32_t lines)
{
	memset(&memory, 0, sizeof memory);
	state_init_empty(state, lines, (struct siphash_key){1, 2}, 0, false);
	rule = (struct rule){
		.id = RULE,
		.source = {{{.cost = COST, .limit = BURST}, {0}}},
		.total = total,
	};
	slots_assign(state, &image, NULL);
}

static bool take(uint64_t key, uint64_t now)
{
	struct source source = state_source_of(state, key, false);
	const struct bucket_profile *profile = &rule.source.rate[BUCKET_PPS];
	uint64_t *word = state_source(state, state_rule(state, rule.slot), rule.id, profile, source,
				      BUCKET_PPS, now);
	struct state_asked asked;

	/* What state_init_empty() says of tag zero. */
	CU_ASSERT_NOT_EQUAL_FATAL(source_tag(source.hash, rule.id), 0);
	if (!state_ask(state, word, profile, now, profile->cost, &asked))
		return false;
	state_take(state, &asked, now, profile->cost);
	return true;
}

static unsigned take_all(uint64_t key, uint64_t now)
{
	unsigned taken = 0;

	while (take(key, now))
		taken++;
	return taken;
}

/* Whoever comes when: at any time, at most the rate since the beginning. */
static void sources_in(uint32_t lines)
{
	static uint64_t taken[SOURCES];
	uint64_t now = 0;
	unsigned beyond = 0, admitted = 0;

	setup(lines);
	memset(taken, 0, sizeof taken);
	for (unsigned i = 0; i < PACKETS; i++) {
		unsigned source = random_below(random_below(2) ? SOURCES : 10);

		now += random_below(COST / 1000);
		if (!take(source, now))
			continue;
		taken[source]++;
		admitted++;
		beyond += taken[source] * COST > now;
	}
	CU_ASSERT_EQUAL(beyond, 0);
	CU_ASSERT(admitted > 100);
}

static void test_sources(void)
{
	sources_in(LINES);
}

static void test_sources_crowded(void)
{
	sources_in(SOURCE_GROUP);
}

/* Each has its rate from the beginning on, and its whole burst as soon as that is earned. */
static void test_sources_recover(void)
{
	setup(LINES);
	for (uint64_t key = 1; key <= 100; key++) {
		CU_ASSERT_EQUAL(take_all(key, 0), 0);
		CU_ASSERT_EQUAL(take_all(key, COST), 1);
		CU_ASSERT_EQUAL(take_all(key, 2 * COST), 1);
	}
	for (uint64_t key = 1; key <= 200; key++)
		CU_ASSERT_EQUAL(take_all(key, 20 * COST), 10);
}

/* However long a burst lasts, no source is given one before it is earned. */
static void test_sources_slow(void)
{
	const struct bucket_limit slow = {{
		{.cost = 1000 * COST, .limit = bucket_ticks(CAP_BURST_S * 1000000000)},
		{0},
	}};

	setup(LINES);
	rule.id = RULE + 1;
	rule.source = slow;
	slots_assign(state, &image, NULL);
	for (uint64_t key = 1; key <= 20; key++)
		CU_ASSERT_EQUAL(take_all(key, key * 1000 * COST), key);
}

/* Packets from a bucket by the lease, one at a time: how many of `tries` at `now`. */
static unsigned lend(uint64_t words[BUCKET_RATES], uint64_t now, unsigned tries)
{
	const struct lease_units need = {{1, 100}};
	unsigned lent = 0;

	for (unsigned i = 0; i < tries; i++) {
		struct lease lease = {0};

		lease_open(&lease, state, words, &total, need, now);
		if (lease_covers(&lease, 100)) {
			lease_spend(&lease, 100);
			lent++;
		}
		lease_end(&lease, state, words, &total);
	}
	return lent;
}

static void total_of(uint64_t words[BUCKET_RATES])
{
	uint64_t lent = lend(words, 0, 1), beyond = lent;

	for (uint64_t now = 0; now < 20 * TOTAL_BURST; now += TOTAL_COST * random_below(30)) {
		lent += lend(words, now, 20);
		beyond += lent * TOTAL_COST > now;
	}
	CU_ASSERT_EQUAL(beyond, 0);
	CU_ASSERT(lent * TOTAL_COST > 15 * TOTAL_BURST);
	CU_ASSERT_EQUAL(lend(words, 30 * TOTAL_BURST, 2000), TOTAL_BURST / TOTAL_COST);
}

static void test_rule(void)
{
	setup(LINES);
	total_of(state_rule(state, rule.slot)->rate);
}

static void test_host(void)
{
	setup(LINES);
	total_of(state->host);
}

/* A rule that comes when all would be full again is like any new one. */
static void test_later_rule(void)
{
	struct rule late = {.id = RULE + 1, .source = rule.source, .total = total};
	struct image next = {.rules = &late, .rule_count = 1};

	setup(LINES);
	slots_assign(state, &next, &image);
	CU_ASSERT_EQUAL(lend(state_rule(state, late.slot)->rate, TOTAL_BURST, 2000),
			TOTAL_BURST / TOTAL_COST);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"no source has more than its rate", test_sources},
		{"with hardly any lines neither", test_sources_crowded},
		{"sources recover", test_sources_recover},
		{"nor with long bursts", test_sources_slow},
		{"a rule has its rate", test_rule},
		{"the host has its rate", test_host},
		{"a later rule begins full", test_later_rule},
		CU_TEST_INFO_NULL,
	};

	return suite_run("state_empty", tests);
}
