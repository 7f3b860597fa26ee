/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading generations: what is shared with the running one, what is moved to its clock. */
#include "generation.h"
#include "state_folder.h"
#include "unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char policy_format[] =
	"{\"schema\": 1, \"name\": \"test\", \"origins\": {\"feeds\": []},"
	"\"sets\": {\"bots\": {\"verdict\": \"block\", \"entries\": ["
	"{\"prefix\": \"192.0.2.1\", \"expires\": \"2026-12-01T00:00:00Z\"},"
	"{\"prefix\": \"192.0.2.0/28\", \"expires\": \"2026-12-01T00:00:00Z\"}]}},"
	"\"rules\": [{\"name\": \"all\", \"admit\": \"%u%%\"}]}";
static const uint64_t expires_ns = UINT64_C(1796083200) * 1000000000;
static const int64_t offset_ns = 1796000000 * INT64_C(1000000000);

static char folder[64];

static void publish(const char *manifest, uint64_t number, unsigned admit)
{
	char text[sizeof policy_format + 16];
	int size = snprintf(text, sizeof text, policy_format, admit);

	CU_ASSERT_EQUAL_FATAL(
		state_folder_write(text, (size_t)size, NULL, folder, manifest, number), 0);
}

static struct generation *load(const char *manifest, const struct generation *running)
{
	struct generation *generation = NULL;
	struct board_refusal refusal;
	int result = generation_load(folder, manifest, running, offset_ns, &generation, &refusal);

	if (result)
		fprintf(stderr, "%s\n", refusal.message);
	CU_ASSERT_EQUAL_FATAL(result, 0);
	return generation;
}

static void test_shares_what_is_same(void)
{
	struct generation *first, *second;

	publish(STATE_CURRENT, 1, 25);
	publish(STATE_WANTED, 2, 50);
	first = load(STATE_CURRENT, NULL);
	second = load(STATE_WANTED, first);
	CU_ASSERT_EQUAL(second->number, 2);
	CU_ASSERT_PTR_EQUAL(second->segment[SEGMENT_ORIGINS], first->segment[SEGMENT_ORIGINS]);
	CU_ASSERT_PTR_EQUAL(second->segment[SEGMENT_SETS], first->segment[SEGMENT_SETS]);
	CU_ASSERT_PTR_NOT_EQUAL(second->segment[SEGMENT_RULES], first->segment[SEGMENT_RULES]);
	CU_ASSERT_EQUAL(first->image.rules[0].admit, UINT64_C(1) << 30);
	generation_free(first);
	CU_ASSERT_EQUAL(second->image.rules[0].admit, UINT64_C(1) << 31);
	CU_ASSERT_EQUAL(second->segment[SEGMENT_SETS]->references, 1);
	generation_free(second);
}

/* When the policy's single address expires, by the clock of its reader. */
static uint64_t expires(const struct generation *generation)
{
	return generation->image.singles[SINGLES_LAYERS - 1].expires[1];
}

/* Expiry is moved once for each copy of the segment, however many generations share it. */
static void test_expiry_moves_once(void)
{
	struct generation *first, *second, *alone;

	publish(STATE_CURRENT, 1, 25);
	publish(STATE_WANTED, 2, 50);
	first = load(STATE_CURRENT, NULL);
	second = load(STATE_WANTED, first);
	alone = load(STATE_WANTED, NULL);
	CU_ASSERT_EQUAL(expires(first), expires_ns - (uint64_t)offset_ns);
	CU_ASSERT_EQUAL(expires(second), expires_ns - (uint64_t)offset_ns);
	CU_ASSERT_EQUAL(alone->image.set_expires[1], expires_ns - (uint64_t)offset_ns);
	CU_ASSERT_EQUAL(expires(alone), expires_ns - (uint64_t)offset_ns);
	generation_free(alone);
	generation_free(first);
	generation_free(second);
}

static void test_refusals_free_what_was_shared(void)
{
	struct generation *first, *second = NULL;
	struct board_refusal refusal;
	char path[128];

	publish(STATE_CURRENT, 1, 25);
	first = load(STATE_CURRENT, NULL);
	publish(STATE_WANTED, 9, 75);
	snprintf(path, sizeof path, "rm %s/segments/rules-*", folder);
	CU_ASSERT_EQUAL_FATAL(system(path), 0);
	CU_ASSERT_EQUAL(generation_load(folder, STATE_WANTED, first, 0, &second, &refusal),
			-EBADMSG);
	CU_ASSERT_PTR_NULL(second);
	CU_ASSERT_EQUAL(refusal.generation, 9);
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal.message, "rules-"));
	CU_ASSERT_EQUAL(first->segment[SEGMENT_SETS]->references, 1);
	generation_free(first);
}

static void test_absence(void)
{
	struct generation *generation = NULL;
	struct board_refusal refusal;

	CU_ASSERT_EQUAL(
		generation_load("/nonexistent", STATE_CURRENT, NULL, 0, &generation, &refusal),
		-ENOENT);
	CU_ASSERT_PTR_NULL(generation);
}

/* Publish a policy whose feed splits 5000 /24s in two. */
static void publish_origins(const char *manifest, uint64_t number, const char *sets)
{
	char text[512], path[80];
	FILE *feed;
	int size;

	snprintf(path, sizeof path, "%s/feed.csv", folder);
	feed = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(feed);
	for (unsigned i = 0; i < 5000; i++)
		fprintf(feed, "10.%u.%u.0/25,%s,\n", i >> 8, i & 255, i % 2 ? "AA" : "BB");
	CU_ASSERT_EQUAL_FATAL(fclose(feed), 0);
	size = snprintf(text, sizeof text,
			"{\"schema\": 1, \"guard\": {\"sources\": [\"9.0.0.0/22\"]},"
			"\"sets\": {\"s\": {\"verdict\": \"block\", \"entries\": [%s]}},"
			"\"origins\": {\"feeds\": [{\"type\": \"csv\", \"file\": \"feed.csv\"}]}}",
			sets);
	CU_ASSERT_EQUAL_FATAL(
		state_folder_write(text, (size_t)size, folder, folder, manifest, number), 0);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

/* How many cells say what lookups do not; those that are `held` beside what the image has may. */
static unsigned wrong_cells(const struct image *image, const uint16_t *held, unsigned *split)
{
	unsigned wrong = 0;

	*split = 0;
	for (uint32_t cell = 0; cell < DIRECT_CELLS; cell++) {
		uint32_t low = range4_find(&image->origin.ip4, cell << 8, 0);
		uint32_t high = range4_find(&image->origin.ip4, cell << 8 | 0xff, 0);
		uint16_t origin = low == high ? (uint16_t)low : DIRECT_SPLIT;
		bool marked = false;

		for (const uint16_t *at = held; *at; at++)
			marked |= cell == (uint32_t)*at << 6;
		marked |= cell >= 9 << 16 && cell < (9 << 16) + 4;
		wrong += image->direct4[cell] != (origin | (marked ? DIRECT_HELD : 0));
		*split += origin == DIRECT_SPLIT;
	}
	return wrong;
}

/* The direct table is made here, agrees with lookups, and goes on with what is new beside it. */
static void test_direct_table(void)
{
	static const uint16_t before[] = {11 << 10, 12 << 10, 0};
	static const uint16_t after[] = {11 << 10, 12 << 10, 13 << 10, 14 << 10, 0};
	struct generation *first, *second;
	const uint16_t *direct4;
	unsigned split;

	publish_origins(STATE_CURRENT, 1, "\"11.0.0.7\", \"12.0.0.0/26\"");
	publish_origins(STATE_WANTED, 2, "\"11.0.0.7\", \"13.0.0.0/24\", \"14.0.0.0/26\"");
	first = load(STATE_CURRENT, NULL);
	direct4 = first->image.direct4;
	CU_ASSERT_PTR_NOT_NULL_FATAL(direct4);
	CU_ASSERT_EQUAL(wrong_cells(&first->image, before, &split), 0);
	CU_ASSERT_EQUAL(split, 5000);
	second = load(STATE_WANTED, first);
	CU_ASSERT_PTR_EQUAL(second->image.direct4, direct4);
	generation_free(first);
	CU_ASSERT_EQUAL(wrong_cells(&second->image, after, &split), 0);
	generation_free(second);
	/* The memory is used again, and nothing of what it held is left. */
	first = load(STATE_CURRENT, NULL);
	CU_ASSERT_PTR_EQUAL(first->image.direct4, direct4);
	CU_ASSERT_EQUAL(wrong_cells(&first->image, before, &split), 0);
	/* After a wide entry, which marks a quarter of all cells, they are made anew. */
	publish_origins(STATE_WANTED, 2, "\"11.0.0.7\", \"64.0.0.0/2\"");
	second = load(STATE_WANTED, first);
	CU_ASSERT_PTR_EQUAL(second->image.direct4, direct4);
	generation_free(first);
	first = load(STATE_CURRENT, second);
	CU_ASSERT_PTR_NOT_EQUAL(first->image.direct4, direct4);
	CU_ASSERT_EQUAL(wrong_cells(&first->image, before, &split), 0);
	generation_free(second);
	generation_free(first);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"unchanged segments are shared", test_shares_what_is_same},
		{"expiry is moved once", test_expiry_moves_once},
		{"a refusal leaves the running one alone", test_refusals_free_what_was_shared},
		{"no manifest is an absence", test_absence},
		{"the direct table", test_direct_table},
		CU_TEST_INFO_NULL,
	};
	char remove[80];
	int result;

	snprintf(folder, sizeof folder, "/tmp/sluice-generation-XXXXXX");
	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	result = suite_run("generation", tests);
	snprintf(remove, sizeof remove, "rm -r %s", folder);
	return system(remove) ? EXIT_FAILURE : result;
}
