/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program in the kernel, decide(), and the data plane's burst_decide() at each level that this
 * CPU has: a million random frames under random policies, each frame asked of all. Same verdict,
 * reason, service, rule and origin, and afterwards the same buckets.
 *
 *     test_twin [POLICIES [SEED]]
 */
#include "any_frame.h"
#include "any_policy.h"
#include "load.h"
#include "parse.h"
#include "planes.h"

#include <errno.h>

enum { LINES = 32, SOURCES = LINES * 64 / 27 + 1, FRAMES = 5000, SKIPPED = 77 };

/* Two generations with direct tables, and something for the rest. */
enum { ARENA_LINES = 2 * DIRECT_BYTES / 64 + (1 << 16) };

static unsigned policies = 200;
static struct twin *twin;
static STATE_OF(LINES) state;
static struct plane planes[PLANES];
static unsigned plane_count;
static struct any_frame frames[BURST_MOST];
static uint16_t *direct4;
static uint64_t now_ns, asked;
static uint64_t seen[REASON_COUNT], verdicts[VERDICT_COUNT];

static void say_frame(const struct any_frame *frame, const char *who, const struct decision *core,
		      const struct decision *other)
{
	printf("\ncore %s %s, %s %s %s, %u bytes:", verdict_word(core->verdict),
	       reason_word(core->reason), who, verdict_word(other->verdict),
	       reason_word(other->reason), frame->size);
	for (uint32_t i = 0; i < frame->size && i < 120; i++)
		printf(" %02x", frame->byte[i]);
}

/* What core says of each frame of a burst, and whether the kernel says the same. */
static unsigned compare_kernel(const struct image *image, const struct burst *burst,
			       struct decision core[BURST_MOST])
{
	unsigned differ = 0;

	for (unsigned i = 0; i < burst->count; i++) {
		struct decision kernel = {0};
		struct packet packet;
		int result;

		parse_frame(burst->frame[i], burst->readable[i], burst->length[i], &packet);
		core[i] = decide(image, &state.head, &packet, now_ns);
		result = twin_ask(twin, burst->frame[i], burst->length[i], now_ns, &kernel);
		seen[core[i].reason]++;
		verdicts[core[i].verdict]++;
		asked++;
		if (result == 0 && memcmp(&core[i], &kernel, sizeof kernel) == 0)
			continue;
		say_frame(&frames[i], result ? strerror(-result) : "kernel", &core[i], &kernel);
		differ++;
	}
	return differ;
}

static unsigned compare_plane(const struct image *image, struct plane *plane, struct burst *burst,
			      const struct decision core[BURST_MOST])
{
	unsigned differ = 0;

	plane->level->decide(burst, image, plane->state, &plane->memory, &plane->counters, now_ns);
	for (unsigned i = 0; i < burst->count; i++) {
		if (memcmp(&core[i], &burst->decision[i], sizeof *core) == 0)
			continue;
		say_frame(&frames[i], plane->level->name, &core[i], &burst->decision[i]);
		differ++;
	}
	if (plane_equals(plane, image, &state.head, now_ns))
		return differ;
	printf("\n%s has other buckets", plane->level->name);
	return differ + 1;
}

/* A burst of frames, which come at one time, decided by all. How many decisions differ. */
static unsigned compare(const struct image *image, const struct image *indexed)
{
	struct decision core[BURST_MOST];
	unsigned differ;
	struct burst burst = {.count = 1 + random_below(BURST_MOST)};

	for (unsigned i = 0; i < burst.count; i++) {
		any_fill(&frames[i]);
		burst.frame[i] = frames[i].byte;
		burst.readable[i] = burst.length[i] = frames[i].size;
	}
	now_ns += burst.count * random_below(4000);
	differ = compare_kernel(image, &burst, core);
	for (unsigned i = 0; i < plane_count; i++)
		differ += compare_plane(indexed, &planes[i], &burst, core);
	return differ;
}

static const uint16_t *direct4_of(const struct image *image)
{
	if (!direct4)
		direct4 = malloc(DIRECT_BYTES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(direct4);
	memset(direct4, 0, DIRECT_BYTES);
	image_direct4(image, direct4);
	return direct4;
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
		static struct any_text text;
		struct image indexed;
		struct made made;
		void *segments[SEGMENT_KINDS];
		unsigned differ = 0;

		any_make(&made, &text, now_ns);
		for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
			segments[kind] = made.compiled.segment[kind]->data;
		CU_ASSERT_EQUAL_FATAL(
			twin_prepare(twin, segments, &made.image, round % 8 == 0, &error), 0);
		twin_commit(twin, round);
		indexed = made.image;
		if (round % 8 == 0)
			indexed.direct4 = direct4_of(&made.image);
		for (uint64_t end = asked + FRAMES; asked < end && differ == 0;)
			differ += compare(&made.image, &indexed);
		planes_settle(planes, plane_count, &indexed);
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
	for (unsigned i = 0; i < plane_count; i++) {
		printf("(%s) ", planes[i].level->name);
		for (unsigned reason = 0; reason < REASON_COUNT; reason++)
			CU_ASSERT_EQUAL(planes[i].counters.reason[reason].packets, seen[reason]);
	}
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
		{"all planes decide alike", test_random},
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
	plane_count = planes_init(planes, key, LINES);
	result = suite_run("twin", tests);
	twin_close(twin);
	planes_free(planes, plane_count);
	free(direct4);
	return result;
}
