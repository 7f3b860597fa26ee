/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of generation while packets come. Of policies that refuse a packet in ways of their own,
 * by a set or by a rule, any mixture would let it pass, or miss a table. The arena has no room for
 * all of them, so that each is written over what former ones had.
 */
#include "load.h"
#include "policies.h"

#include <errno.h>
#include <pthread.h>

enum { POLICIES = 5, SEEN = 1000, SWITCHES_MOST = 1000000, ARENA_LINES = 13000, SKIPPED = 77 };

static struct twin *twin;
static struct made made[POLICIES];
static bool stopped;
static uint64_t blocked, shed, others;

#define NO_FEEDS "'origins':{'feeds':[],'groups':{}},"
static const char *const documents[POLICIES] = {
	"{'schema':1," NO_FEEDS "'sets':{'b':{'verdict':'block','entries':['10.0.0.0/8']}}}",
	"{'schema':1," NO_FEEDS "'rules':[{'name':'nobody','admit':'0%'}]}",
	"{'schema':1," NO_FEEDS "'services':{'dns':{'proto':'udp','ports':[53]}},"
	"'sets':{'b':{'verdict':'block','entries':['10.0.0.0/7']}}}",
	"{'schema':1," NO_FEEDS "'services':{'dns':{'proto':'tcp','ports':[53]}},"
	"'rules':[{'name':'anybody','admit':'0%'}]}",
	"{'schema':1," NO_FEEDS "'services':{'web':{'proto':'tcp','ports':[80]}},"
	"'sets':{'b':{'verdict':'block','entries':['8.0.0.0/5','192.0.2.0/24']}}}",
};

static void segments_of(const struct made *of, void *segments[SEGMENT_KINDS])
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = of->compiled.segment[kind]->data;
}

static int prepare(const struct made *next, bool direct)
{
	void *segments[SEGMENT_KINDS];
	struct twin_error error;

	segments_of(next, segments);
	return twin_prepare(twin, segments, &next->image, direct, &error);
}

static void switch_to(unsigned which)
{
	CU_ASSERT_EQUAL_FATAL(prepare(&made[which], false), 0);
	twin_commit(twin, which);
}

static enum reason ask(void)
{
	const uint8_t frame[60] = {
		[12] = 0x08, [14] = 0x45, [17] = 46, [23] = PROTO_UDP, [26] = 10, [30] = 198};
	struct decision decision;

	return twin_ask(twin, frame, sizeof frame, 0, &decision) == 0 ? decision.reason
								      : REASON_COUNT;
}

static void count(uint64_t *packets)
{
	__atomic_fetch_add(packets, 1, __ATOMIC_RELAXED);
}

static void *ask_on(void *unused)
{
	while (!__atomic_load_n(&stopped, __ATOMIC_RELAXED)) {
		enum reason reason = ask();

		if (reason == REASON_BLOCKED)
			count(&blocked);
		else if (reason == REASON_SHED)
			count(&shed);
		else
			count(&others);
	}
	return unused;
}

static bool seen_enough(void)
{
	return __atomic_load_n(&blocked, __ATOMIC_RELAXED) >= SEEN &&
	       __atomic_load_n(&shed, __ATOMIC_RELAXED) >= SEEN;
}

/* Compile the policies; not all of them fit into the arena. */
static void make_policies(void)
{
	uint32_t lines = 0;

	for (unsigned i = 0; i < POLICIES; i++) {
		void *segments[SEGMENT_KINDS];

		made_from(&made[i], policy_from(documents[i]));
		segments_of(&made[i], segments);
		lines += twin_lines_needed(segments, false);
	}
	printf("(%u lines) ", lines);
	CU_ASSERT(lines > ARENA_LINES);
}

static void test_switch(void)
{
	unsigned switches = 0;
	pthread_t thread;

	make_policies();
	switch_to(0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ask_on, NULL), 0);
	while (!seen_enough() && switches < SWITCHES_MOST)
		switch_to(++switches % POLICIES);
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CU_ASSERT(seen_enough());
	CU_ASSERT_EQUAL(others, 0);
	printf("(%u switches, %lu blocked, %lu shed) ", switches, blocked, shed);
}

/* What is prepared decides nothing until it is committed, and never if it is given up. */
static void test_prepare(void)
{
	switch_to(0);
	CU_ASSERT_EQUAL(prepare(&made[1], false), 0);
	CU_ASSERT_EQUAL(ask(), REASON_BLOCKED);
	twin_abandon(twin);
	twin_commit(twin, 2);
	CU_ASSERT_EQUAL(ask(), REASON_BLOCKED);
	CU_ASSERT_EQUAL(prepare(&made[1], false), 0);
	twin_commit(twin, 3);
	CU_ASSERT_EQUAL(ask(), REASON_SHED);
}

/* What finds no room changes nothing, and the next that does is as good as ever. */
static void test_no_room(void)
{
	switch_to(0);
	CU_ASSERT_EQUAL(prepare(&made[1], true), -ENOSPC);
	twin_commit(twin, 2);
	CU_ASSERT_EQUAL(ask(), REASON_BLOCKED);
	switch_to(1);
	CU_ASSERT_EQUAL(ask(), REASON_SHED);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"no packet sees parts of two policies", test_switch},
		{"what is prepared waits to be committed", test_prepare},
		{"what has no room is refused", test_no_room},
		CU_TEST_INFO_NULL,
	};
	const struct twin_options options = {.sources = 1, .arena_lines = ARENA_LINES};
	struct twin_error error;
	int result = twin_open(&options, &twin, &error);

	if (result != 0) {
		printf("%s\n", error.message);
		return result == -EPERM || result == -EOPNOTSUPP ? SKIPPED : EXIT_FAILURE;
	}
	result = suite_run("switch", tests);
	twin_close(twin);
	for (unsigned i = 0; i < POLICIES; i++)
		made_free(&made[i]);
	return result;
}
