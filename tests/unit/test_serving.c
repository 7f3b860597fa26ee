/* SPDX-License-Identifier: BSD-3-Clause */
/* The promise to serve: who has to poll for it, and how long it holds. */
#include "serving.h"
#include "suite.h"

enum { WORKERS = 3, LINES = SOURCE_GROUP };

static STATE_OF(LINES) memory;
static struct state *const state = &memory.head;
static struct board_dataplane board;
static struct serving serving;

static void setup(void)
{
	state_init(state, LINES, (struct siphash_key){1, 2}, 0, true);
	state->serving_until_ns = 77;
	board = (struct board_dataplane){.workers = WORKERS, .generation = 5};
	serving_start(&serving, state, &board);
}

static void poll_by(unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		board.worker[i].polls++;
}

/* What a dead data plane promised is not this one's promise. */
static void test_start(void)
{
	setup();
	CU_ASSERT_EQUAL(state->serving_until_ns, 0);
	serving_round(&serving, 1000);
	CU_ASSERT_EQUAL(state->serving_until_ns, 0);
}

static void test_all_poll(void)
{
	setup();
	for (uint64_t now_ns = 1000; now_ns < 1100; now_ns++) {
		poll_by(0, WORKERS - 1);
		serving_round(&serving, now_ns);
		CU_ASSERT_EQUAL(state->serving_until_ns, now_ns + SERVING_NS);
	}
}

static void test_one_hangs(void)
{
	setup();
	poll_by(0, WORKERS - 1);
	serving_round(&serving, 1000);
	for (unsigned hangs = 0; hangs < WORKERS; hangs++) {
		for (unsigned i = 0; i < WORKERS; i++)
			board.worker[i].polls += i != hangs;
		serving_round(&serving, 2000);
		CU_ASSERT_EQUAL(state->serving_until_ns, 1000 + SERVING_NS);
	}
	poll_by(0, WORKERS - 1);
	serving_round(&serving, 3000);
	CU_ASSERT_EQUAL(state->serving_until_ns, 3000 + SERVING_NS);
}

/* Who has no policy passes everything: the twin, which has one, is not to ask it. */
static void test_no_generation(void)
{
	setup();
	board.generation = 0;
	poll_by(0, WORKERS - 1);
	serving_round(&serving, 1000);
	CU_ASSERT_EQUAL(state->serving_until_ns, 0);
}

static void test_end(void)
{
	setup();
	poll_by(0, WORKERS - 1);
	serving_round(&serving, 1000);
	serving_end(&serving);
	CU_ASSERT_EQUAL(state->serving_until_ns, 0);
}

static void test_no_twin(void)
{
	setup();
	serving_start(&serving, NULL, &board);
	poll_by(0, WORKERS - 1);
	serving_round(&serving, 1000);
	serving_end(&serving);
	CU_ASSERT_EQUAL(state->serving_until_ns, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"nothing is promised at the start", test_start},
		{"as long as all poll", test_all_poll},
		{"a worker that hangs ends it", test_one_hangs},
		{"without a generation neither", test_no_generation},
		{"it is taken back", test_end},
		{"without a twin there is none", test_no_twin},
		CU_TEST_INFO_NULL,
	};

	return suite_run("serving", tests);
}
