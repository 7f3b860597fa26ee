/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers that cross while the main thread publishes and frees. What is freed too early is
 * for AddressSanitizer to see, what is read unordered for ThreadSanitizer; what is seen out
 * of order, for the assertions.
 */
#include "crossing.h"
#include "suite.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>

enum { WORKERS = 2, GENERATIONS = 500 };

struct generation {
	unsigned number, copy; /* equal while it lives */
};

struct worker {
	unsigned index, highest;
	bool faulty;
};

static struct crossing crossing;
static bool stopping;

static struct generation *generation_new(unsigned number)
{
	struct generation *generation = malloc(sizeof *generation);

	if (!generation)
		abort();
	*generation = (struct generation){number, number};
	return generation;
}

static void generation_end(struct generation *generation)
{
	generation->copy = UINT_MAX;
	free(generation);
}

static const struct generation *step(unsigned worker)
{
	const struct generation *newest = crossing_newest(&crossing);

	crossing_use(&crossing, worker, newest);
	return newest;
}

/* What a worker decided by until now is there until it says that it crosses. */
static void *work(void *argument)
{
	const struct generation *former = NULL;
	struct worker *worker = argument;

	while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
		const struct generation *generation = crossing_newest(&crossing);

		if (former)
			worker->faulty |= former->number != former->copy;
		crossing_use(&crossing, worker->index, generation);
		former = generation;
		worker->faulty |= generation->number != generation->copy ||
				  generation->number < worker->highest;
		worker->highest = generation->number;
	}
	return NULL;
}

static void wait_for_workers(void)
{
	while (!crossing_done(&crossing, WORKERS))
		sched_yield();
}

static void test_crossing(void)
{
	struct worker workers[WORKERS] = {{.index = 0}, {.index = 1}};
	struct generation *running = generation_new(0);
	pthread_t threads[WORKERS];

	crossing_begin(&crossing, running);
	for (unsigned i = 0; i < WORKERS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (unsigned number = 1; number <= GENERATIONS; number++) {
		struct generation *former = running;

		running = generation_new(number);
		crossing_begin(&crossing, running);
		wait_for_workers();
		generation_end(former);
	}
	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_FALSE(workers[i].faulty);
		CU_ASSERT_EQUAL(workers[i].highest, GENERATIONS);
	}
	generation_end(running);
}

/* A worker that has not picked up the newest keeps the former alive. */
static void test_straggler(void)
{
	struct generation *first = generation_new(1), *second = generation_new(2);

	crossing = (struct crossing){0};
	crossing_begin(&crossing, first);
	step(0);
	CU_ASSERT_FALSE(crossing_done(&crossing, 2));
	step(1);
	CU_ASSERT(crossing_done(&crossing, 2));
	crossing_begin(&crossing, second);
	CU_ASSERT_PTR_EQUAL(step(0), second);
	CU_ASSERT_FALSE(crossing_done(&crossing, 2));
	CU_ASSERT_PTR_EQUAL(step(1), second);
	CU_ASSERT(crossing_done(&crossing, 2));
	generation_end(first);
	generation_end(second);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a worker that lags", test_straggler},
		{"generations come and go under two workers", test_crossing},
		CU_TEST_INFO_NULL,
	};

	return suite_run("crossing", tests);
}
