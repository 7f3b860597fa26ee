/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program in the kernel against decide(): a million random frames under random policies, each
 * frame asked of both. Same verdict, reason, service, rule and origin, and afterwards the same
 * buckets.
 *
 *     test_twin [POLICIES [SEED]]
 */
#include "any_frame.h"
#include "any_policy.h"
#include "load.h"
#include "parse.h"

#include <errno.h>

enum { LINES = 32, SOURCES = LINES * 64 / 27 + 1, FRAMES = 5000, SKIPPED = 77 };

/* Two generations with direct tables, and something for the rest. */
enum { ARENA_LINES = 2 * DIRECT_BYTES / 64 + (1 << 16) };

static unsigned policies = 200;
static struct twin *twin;
static STATE_OF(LINES) state;
static uint64_t now_ns, asked, refused;
static uint64_t seen[REASON_COUNT], verdicts[VERDICT_COUNT];

/* A random policy that compiles. */
static void make_policy(struct made *made)
{
	static struct any_text text;
	struct feed_paths paths = {0};
	struct error error = {0};

	for (;;) {
		any_say_policy(&text, now_ns);
		*made = (struct made){0};
		CU_ASSERT_FATAL(text.size < sizeof text.text);
		if (policy_parse(text.text, text.size, 0, &made->policy, &error) == 0) {
			made->policy->has_salt = true;
			if (made_compile(made, &paths, &error) == 0)
				break;
		}
		made_free(made);
		/* A rule that others cover, and what else nobody would write. */
		CU_ASSERT_FATAL(++refused < 20 * policies);
	}
	for (uint16_t i = 0; i < made->image.rule_count; i++)
		made->image.rules[i].slot = i;
}

static void say_frame(const struct any_frame *frame, const struct decision *core,
		      const struct decision *kernel, int result)
{
	printf("\ncore %s %s, kernel %s %s (%d), %u bytes:", verdict_word(core->verdict),
	       reason_word(core->reason), verdict_word(kernel->verdict),
	       reason_word(kernel->reason), result, frame->size);
	for (uint32_t i = 0; i < frame->size && i < 120; i++)
		printf(" %02x", frame->byte[i]);
}

static unsigned compare(const struct image *image)
{
	static struct any_frame frame;
	struct decision core, kernel = {0};
	struct packet packet;
	int result;

	any_fill(&frame);
	now_ns += random_below(4000);
	parse_frame(frame.byte, frame.size, frame.size, &packet);
	core = decide(image, &state.head, &packet, now_ns);
	result = twin_ask(twin, frame.byte, frame.size, now_ns, &kernel);
	seen[core.reason]++;
	verdicts[core.verdict]++;
	asked++;
	if (result == 0 && memcmp(&core, &kernel, sizeof core) == 0)
		return 0;
	say_frame(&frame, &core, &kernel, result);
	return 1;
}

static bool buckets_equal(void)
{
	struct state *theirs = twin_state(twin);

	return memcmp(state_line(theirs, 0), state.line, sizeof state.line) == 0 &&
	       memcmp(state_rule(theirs, 0), state.rule, sizeof state.rule) == 0 &&
	       memcmp(theirs->host, state.head.host, sizeof state.head.host) == 0;
}

static void test_random(void)
{
	for (unsigned round = 0; round < policies; round++) {
		struct twin_error error;
		struct made made;
		void *segments[SEGMENT_KINDS];
		unsigned differ = 0;

		make_policy(&made);
		for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
			segments[kind] = made.compiled.segment[kind]->data;
		CU_ASSERT_EQUAL_FATAL(
			twin_prepare(twin, segments, &made.image, round % 8 == 0, &error), 0);
		twin_commit(twin, round);
		for (unsigned i = 0; i < FRAMES && differ == 0; i++)
			differ += compare(&made.image);
		made_free(&made);
		CU_ASSERT_EQUAL_FATAL(differ, 0);
		CU_ASSERT_FATAL(buckets_equal());
	}
	printf("(%lu frames, %u policies", asked, policies);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
		printf(", %s %lu", reason_word(reason), seen[reason]);
		CU_ASSERT(seen[reason] > 0);
	}
	printf(") ");
	for (unsigned verdict = 0; verdict < VERDICT_COUNT; verdict++)
		CU_ASSERT(verdicts[verdict] > 0);
}

/* Before it has a policy the program decides nothing. */
static void test_no_policy(void)
{
	struct decision decision;
	const uint8_t frame[64] = {0};

	CU_ASSERT_EQUAL(twin_ask(twin, frame, sizeof frame, 0, &decision), -ENODATA);
}

int main(int count, char **arguments)
{
	CU_TestInfo tests[] = {
		{"nothing is decided without a policy", test_no_policy},
		{"the kernel decides as decide()", test_random},
		CU_TEST_INFO_NULL,
	};
	const struct siphash_key key = {5, 6};
	const struct twin_options options = {
		.sources = SOURCES, .arena_lines = ARENA_LINES, .key = &key};
	struct twin_error error;
	int result = twin_open(&options, &twin, &error);

	if (count > 1)
		policies = (unsigned)atoi(arguments[1]);
	if (count > 2)
		random_state ^= strtoull(arguments[2], NULL, 0);
	if (result != 0) {
		printf("%s\n", error.message);
		return result == -EPERM || result == -EOPNOTSUPP ? SKIPPED : EXIT_FAILURE;
	}
	state_init(&state.head, LINES, key, 0, true);
	result = suite_run("twin", tests);
	twin_close(twin);
	return result;
}
