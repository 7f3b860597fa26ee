/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's clock beside the system's, on whatever tick counter this CPU has. */
#include "unit/suite.h"
#include "worker_clock.h"

enum { LOOKS = 1000000, LATE_NS = 2000 };

static const uint64_t hz_guess = UINT64_C(1000000000);

/* The rate of the counter, as measured over `span_ns`. */
static uint64_t measure_hz(uint64_t span_ns)
{
	uint64_t ticks = rte_rdtsc(), began_ns = clock_boot_ns(), now_ns = began_ns;

	while (now_ns < began_ns + span_ns)
		now_ns = clock_boot_ns();
	return (rte_rdtsc() - ticks) * hz_guess / (now_ns - began_ns);
}

static void test_tells_boot_time(void)
{
	struct worker_clock clock = worker_clock_new(measure_hz(50000000));
	uint64_t told_ns = 0;
	unsigned backwards = 0, early = 0, late = 0;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t before_ns = clock_boot_ns(), now_ns = worker_clock_ns(&clock);

		backwards += now_ns < told_ns;
		late += now_ns + LATE_NS < before_ns;
		early += now_ns > clock_boot_ns() + WORKER_CLOCK_ASK_NS;
		told_ns = now_ns;
	}
	CU_ASSERT_EQUAL(backwards, 0);
	CU_ASSERT_EQUAL(late, 0);
	CU_ASSERT_EQUAL(early, 0);
}

/* Of a counter twice as fast as was thought, time stands still now and then, and never steps. */
static void test_wrong_rate(void)
{
	struct worker_clock clock = worker_clock_new(measure_hz(50000000) / 2);
	uint64_t told_ns = 0;
	unsigned backwards = 0, far = 0;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t before_ns = clock_boot_ns(), now_ns = worker_clock_ns(&clock);

		backwards += now_ns < told_ns;
		far += now_ns + WORKER_CLOCK_ASK_NS < before_ns ||
		       now_ns > clock_boot_ns() + WORKER_CLOCK_ASK_NS;
		told_ns = now_ns;
	}
	CU_ASSERT_EQUAL(backwards, 0);
	CU_ASSERT_EQUAL(far, 0);
}

/* A counter that begins anew, as after a suspension, is as one that has run for long. */
static void test_counter_begins_anew(void)
{
	struct worker_clock clock = worker_clock_new(measure_hz(50000000));
	uint64_t before_ns;

	worker_clock_ns(&clock);
	clock.asked_ticks += UINT64_C(1) << 60;
	clock.asked_ns -= UINT64_C(3600000000000);
	clock.told_ns = clock.asked_ns;
	before_ns = clock_boot_ns();
	CU_ASSERT(worker_clock_ns(&clock) >= before_ns);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"tells CLOCK_BOOTTIME", test_tells_boot_time},
		{"of a wrong rate", test_wrong_rate},
		{"of a counter that begins anew", test_counter_begins_anew},
		CU_TEST_INFO_NULL,
	};

	return suite_run("worker_clock", tests);
}
