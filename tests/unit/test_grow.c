/* SPDX-License-Identifier: BSD-3-Clause */
/* Growing arrays: what is in them stays, and what cannot be had changes nothing. */
#include "policy/grow.h"
#include "suite.h"

#include <stdint.h>

enum { COUNT = 5000 };

static void test_growing(void)
{
	uint32_t *array = NULL, *grown;
	size_t capacity = 0, before, moves = 0;

	for (uint32_t i = 0; i < COUNT; i++) {
		before = capacity;
		grown = grow(array, &capacity, i + 1, sizeof *array);
		CU_ASSERT_PTR_NOT_NULL_FATAL(grown);
		array = grown;
		array[i] = i;
		moves += capacity != before;
		CU_ASSERT(capacity > i && (capacity & (capacity - 1)) == 0);
	}
	CU_ASSERT_EQUAL(moves, 8);
	for (uint32_t i = 0; i < COUNT; i++)
		CU_ASSERT_EQUAL(array[i], i);
	free(array);
}

static void test_at_once(void)
{
	size_t capacity = 0;
	char *array = grow(NULL, &capacity, 1000, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(array);
	CU_ASSERT_EQUAL(capacity, 1024);
	CU_ASSERT_PTR_EQUAL(grow(array, &capacity, 1024, 1), array);
	CU_ASSERT_EQUAL(capacity, 1024);
	free(array);
}

static void test_too_much(void)
{
	size_t capacity = 0, had;
	char *array = grow(NULL, &capacity, 1, 1);

	had = capacity;
	CU_ASSERT_PTR_NOT_NULL_FATAL(array);
	array[0] = 7;
	CU_ASSERT_PTR_NULL(grow(array, &capacity, SIZE_MAX, 1));
	CU_ASSERT_PTR_NULL(grow(array, &capacity, SIZE_MAX / 2 + 1, 1));
	CU_ASSERT_EQUAL(capacity, had);
	CU_ASSERT_EQUAL(array[0], 7);
	free(array);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"one by one", test_growing},
		{"many at once", test_at_once},
		{"too much", test_too_much},
		CU_TEST_INFO_NULL,
	};

	return suite_run("grow", tests);
}
