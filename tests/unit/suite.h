/* SPDX-License-Identifier: BSD-3-Clause */
/* How every unit test runs: one suite an executable, exit status by what failed. */
#pragma once

#include <CUnit/Basic.h>

#include <stdlib.h>

/* Run the tests, a table that CU_TEST_INFO_NULL ends; main's return value. */
static inline int suite_run(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return EXIT_FAILURE;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures() + CU_get_number_of_tests_failed() +
		 (CU_get_number_of_tests_run() == 0);
	CU_cleanup_registry();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
