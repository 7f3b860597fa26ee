/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of generation while packets come. Of two policies that refuse a packet in ways of their
 * own, one by a set and one by a rule, any mixture would let it pass, or miss a table.
 */
#include "load.h"
#include "policies.h"

#include <errno.h>
#include <pthread.h>

enum { SWITCHES = 20, SKIPPED = 77 };

static struct twin *twin;
static struct made made[2];
static bool stopped;
static uint64_t blocked, shed, others;

static const char *const documents[2] = {
	"{'schema':1,'sets':{'b':{'verdict':'block','entries':['10.0.0.0/8']}}}",
	"{'schema':1,'rules':[{'name':'nobody','admit':'0%'}]}",
};

static void switch_to(unsigned which)
{
	void *segments[SEGMENT_KINDS];
	struct twin_error error;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = made[which].compiled.segment[kind]->data;
	CU_ASSERT_EQUAL_FATAL(twin_switch(twin, segments, &made[which].image, false, &error), 0);
}

static void *ask(void *unused)
{
	const uint8_t frame[60] = {
		[12] = 0x08, [14] = 0x45, [17] = 46, [23] = PROTO_UDP, [26] = 10, [30] = 198};

	while (!__atomic_load_n(&stopped, __ATOMIC_RELAXED)) {
		struct decision decision;
		int result = twin_ask(twin, frame, sizeof frame, 0, &decision);

		if (result == 0 && decision.reason == REASON_BLOCKED)
			blocked++;
		else if (result == 0 && decision.reason == REASON_SHED)
			shed++;
		else
			others++;
	}
	return unused;
}

static void test_switch(void)
{
	pthread_t thread;

	for (unsigned i = 0; i < 2; i++)
		made_from(&made[i], policy_from(documents[i]));
	switch_to(0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ask, NULL), 0);
	for (unsigned i = 1; i <= SWITCHES; i++)
		switch_to(i % 2);
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CU_ASSERT(blocked > 0);
	CU_ASSERT(shed > 0);
	CU_ASSERT_EQUAL(others, 0);
	printf("(%lu blocked, %lu shed) ", blocked, shed);
	for (unsigned i = 0; i < 2; i++)
		made_free(&made[i]);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"no packet sees parts of two policies", test_switch},
		CU_TEST_INFO_NULL,
	};
	const struct twin_options options = {.sources = 1};
	struct twin_error error;
	int result = twin_open(&options, &twin, &error);

	if (result != 0) {
		printf("%s\n", error.message);
		return result == -EPERM || result == -EOPNOTSUPP ? SKIPPED : EXIT_FAILURE;
	}
	result = suite_run("switch", tests);
	twin_close(twin);
	return result;
}
