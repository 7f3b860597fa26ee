/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of burst.c's compilations this CPU runs. See burst.h. */
#include "burst.h"

#include <string.h>

burst_decide_fn burst_decide_scalar, burst_decide_avx2, burst_decide_avx512;

/* From the least to the best. */
static const struct burst_level levels[] = {
	{"scalar", burst_decide_scalar},
	{"avx2", burst_decide_avx2},
	{"avx512", burst_decide_avx512},
};
enum { LEVELS = sizeof levels / sizeof *levels };

/* What meson.build lets the compiler use at each level. */
static bool has(unsigned level)
{
	bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		    __builtin_cpu_supports("bmi2");

	if (level == 0)
		return true;
	if (level == 1)
		return avx2;
	return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

const struct burst_level *burst_level(const char *name)
{
	for (unsigned i = 0; i < LEVELS; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return has(i) ? &levels[i] : NULL;
	}
	return NULL;
}

const struct burst_level *burst_level_best(void)
{
	unsigned best = LEVELS - 1;

	while (!has(best))
		best--;
	return &levels[best];
}
