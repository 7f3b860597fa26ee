/* SPDX-License-Identifier: BSD-3-Clause */
/* How workers rest on CPUs and links of all kinds, which no one machine has. */
#include "idle.h"
#include "unit/suite.h"

#include <rte_cpuflags.h>

static void test_way(void)
{
	static const struct rte_cpu_intrinsics plain = {0}, amd = {.power_monitor = 1},
					       intel = {.power_monitor = 1, .power_pause = 1},
					       multi = {.power_monitor = 1,
							.power_pause = 1,
							.power_monitor_multi = 1};

	CU_ASSERT_EQUAL(idle_way(&plain, true), IDLE_SLEEP);
	CU_ASSERT_EQUAL(idle_way(&amd, true), IDLE_WATCH_ONE);
	CU_ASSERT_EQUAL(idle_way(&amd, false), IDLE_SLEEP);
	CU_ASSERT_EQUAL(idle_way(&intel, true), IDLE_WATCH_ONE);
	CU_ASSERT_EQUAL(idle_way(&intel, false), IDLE_PAUSE);
	CU_ASSERT_EQUAL(idle_way(&multi, true), IDLE_WATCH);
	CU_ASSERT_EQUAL(idle_way(&multi, false), IDLE_PAUSE);
}

/* 14.88 million of the shortest frames a second at 10 Gbit/s, and so on. */
static void test_bound(void)
{
	static const struct {
		uint32_t descriptors, mbps, bound_ns;
	} cases[] = {
		{2048, 1000, IDLE_LONGEST_NS}, {2048, 10000, IDLE_LONGEST_NS},
		{512, 10000, 17203},           {2048, 25000, 27525},
		{2048, 100000, 6881},          {4096, 400000, 3440},
		{512, VITALS_DOWN, 17203},     {512, VITALS_SPEED_UNKNOWN, 17203},
		{2048, 1, IDLE_LONGEST_NS},
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++)
		CU_ASSERT_EQUAL(idle_bound_ns(cases[i].descriptors, cases[i].mbps),
				cases[i].bound_ns);
}

static void test_rest(void)
{
	struct idle idle = {.way = IDLE_SLEEP, .bound_ns = 27525};

	CU_ASSERT_EQUAL(idle_rest_ns(&idle, 0), 0);
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, 2 * IDLE_SLEEP_LEAST_NS - 2), 0);
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, 2 * IDLE_SLEEP_LEAST_NS), IDLE_SLEEP_LEAST_NS);
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, 40000), 20000);
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, UINT64_MAX), 27525);
	/* The kernel is too slow for this link: no sleep is short enough. */
	idle.bound_ns = 3440;
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, UINT64_MAX), 0);
	idle.way = IDLE_PAUSE;
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, 1000), 500);
	CU_ASSERT_EQUAL(idle_rest_ns(&idle, UINT64_MAX), 3440);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the best way that CPU and ports have", test_way},
		{"half a ring at line rate", test_bound},
		{"half as long as it has been idle", test_rest},
		CU_TEST_INFO_NULL,
	};

	return suite_run("idle", tests);
}
