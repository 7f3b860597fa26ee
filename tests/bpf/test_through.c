/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program on an interface against decide(), which the other tests ask of a program of their
 * own: random frames under random policies, each handed to the one that is attached. What becomes
 * of the frame, what it is then, and how all is counted. Policies have no limits or expiries, as
 * the program's clock is the kernel's.
 */
#include "any_frame.h"
#include "any_policy.h"
#include "load.h"
#include "parse.h"
#include "veths.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { POLICIES = 24, FRAMES = 2000, LINES = 32, SKIPPED = 77 };

static struct twin *twin;
static STATE_OF(LINES) state;
static struct worker_counters expected;
static uint64_t seen[VERDICT_COUNT];

static int attached_program(void)
{
	uint32_t id;

	CU_ASSERT_EQUAL_FATAL(bpf_xdp_query_id((int)if_nametoindex(veths_name[PORT_EDGE]), 0, &id),
			      0);
	return bpf_prog_get_fd_by_id(id);
}

static void open_twin(const char *pins)
{
	struct twin_options options = {
		.pins = pins, .mode = TWIN_ALONE, .pairs = 1, .sources = LINES};
	struct twin_error error;

	strcpy(options.pair[0].name[PORT_EDGE], veths_name[PORT_EDGE]);
	CU_ASSERT_EQUAL_FATAL(twin_open(&options, &twin, &error), 0);
}

static void switch_to(const struct made *made, uint64_t generation)
{
	void *segments[SEGMENT_KINDS];
	struct twin_error error;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = made->compiled.segment[kind]->data;
	CU_ASSERT_EQUAL_FATAL(twin_prepare(twin, segments, &made->image, false, &error), 0);
	twin_commit(twin, generation);
	CU_ASSERT_EQUAL_FATAL(twin_attach(twin, &error), 0);
}

/* What core says of the frame, counted; and what the frame is then, in place. */
static int expect(const struct image *image, struct any_frame *frame)
{
	static const int returns[VERDICT_COUNT] = {
		[VERDICT_PASS] = XDP_PASS, [VERDICT_DROP] = XDP_DROP, [VERDICT_DIVERT] = XDP_TX};
	struct decision decision;
	struct packet packet;

	parse_frame(frame->byte, frame->size, frame->size, &packet);
	decision = decide(image, &state.head, &packet, 0);
	counters_decided(&expected, &frame->size, &decision, 1);
	count_rule(&expected, frame->size, &decision, image->rules);
	if (decision.verdict != VERDICT_DROP)
		count_packet(&expected.sent, frame->size);
	if (decision.verdict == VERDICT_DIVERT)
		ethernet_divert(frame->byte,
				&image->fallbacks[image->services[decision.service].fallback]);
	seen[decision.verdict]++;
	return returns[decision.verdict];
}

/* 0, or 1: the program does otherwise. */
static unsigned compare(int program, const struct image *image)
{
	static struct any_frame frame;
	static uint8_t given[ANY_FRAME], then[ANY_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = given, .data_out = then,
		    .data_size_out = sizeof then);
	int result, returns;

	any_fill(&frame);
	memcpy(given, frame.byte, frame.size);
	run.data_size_in = frame.size;
	returns = expect(image, &frame);
	result = bpf_prog_test_run_opts(program, &run);
	if (result == 0 && run.retval == (uint32_t)returns && run.data_size_out == frame.size &&
	    memcmp(then, frame.byte, frame.size) == 0)
		return 0;
	printf("\n%d: returned %u and not %d, %u bytes and not %u", result, run.retval, returns,
	       run.data_size_out, frame.size);
	return 1;
}

/* Word for word. */
static bool counted_as_expected(void)
{
	enum { WORDS = sizeof(struct worker_counters) / sizeof(uint64_t) };
	const uint64_t *ours = (const uint64_t *)&expected;
	const struct worker_counters *counters;
	const uint32_t *slot_rule;
	bool equal = true;
	uint32_t cpus;

	counters = twin_counters(twin, &cpus, &slot_rule);
	for (unsigned word = 0; word < WORDS; word++) {
		uint64_t sum = 0;

		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			sum += ((const uint64_t *)&counters[cpu])[word];
		equal &= sum == ours[word];
	}
	return equal;
}

static void test_through(void)
{
	static struct any_text text = {.timeless = true};
	char pins[64];

	snprintf(pins, sizeof pins, "%s/twin", veths_folder);
	open_twin(pins);
	for (unsigned round = 1; round <= POLICIES; round++) {
		unsigned differ = 0;
		struct made made;
		int program;

		any_make(&made, &text, 0);
		switch_to(&made, round);
		program = attached_program();
		for (unsigned i = 0; i < FRAMES && differ == 0; i++)
			differ += compare(program, &made.image);
		close(program);
		made_free(&made);
		CU_ASSERT_EQUAL_FATAL(differ, 0);
		CU_ASSERT_FATAL(counted_as_expected());
	}
	CU_ASSERT(counters_add_up(&expected));
	for (unsigned verdict = 0; verdict < VERDICT_COUNT; verdict++) {
		printf("(%s %lu) ", verdict_word(verdict), seen[verdict]);
		CU_ASSERT(seen[verdict] > 0);
	}
	twin_close(twin);
	CU_ASSERT_EQUAL(twin_detach(pins, &(struct twin_error){0}), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is attached does and counts as decide() says", test_through},
		CU_TEST_INFO_NULL,
	};
	int result = veths_up();

	if (result != 0) {
		printf("no network of its own: %s\n", strerror(-result));
		return SKIPPED;
	}
	state_init(&state.head, LINES, (struct siphash_key){1, 2}, 0, false);
	result = suite_run("through", tests);
	veths_down();
	return result;
}
