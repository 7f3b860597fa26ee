/* SPDX-License-Identifier: BSD-3-Clause */
/* See calibrate.h. */
#include "calibrate.h"
#include "tsc.h"
#include "memory.h"
#include "random.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

enum {
	CORE_STEPS = 20000,
	MEMORY_STEPS = 256,
	LINES = 1 << 21, /* 128 MB, more than caches hold */
	TSC_NS = 20000000,
};

/* Slower than usual by more than so much is not fair. The memory is other machines' too. */
static const double core_most = 1.05, memory_most = 1.30;

struct line {
	_Alignas(64) uint32_t next;
};

static struct line *lines;
static double tsc_ghz;

/* One cycle through all lines in random order (Sattolo 1986). */
static void link_lines(void)
{
	struct random random = {1};

	for (uint32_t i = 0; i < LINES; i++)
		lines[i].next = i;
	for (uint32_t i = LINES - 1; i > 0; i--) {
		uint32_t j = random_below(&random, i), next = lines[i].next;

		lines[i].next = lines[j].next;
		lines[j].next = next;
	}
}

static void measure_tsc(void)
{
	uint64_t from_ns = tsc_clock_ns(), from = tsc_now(), ns;

	do
		ns = tsc_clock_ns() - from_ns;
	while (ns < TSC_NS);
	tsc_ghz = (double)(tsc_now() - from) / (double)ns;
}

int calibrate_init(void)
{
	lines = memory_map(LINES * sizeof *lines);
	if (!lines)
		return -ENOMEM;
	link_lines();
	measure_tsc();
	return 0;
}

int calibrate_pin(void)
{
	cpu_set_t set;
	int last = -1;

	if (sched_getaffinity(0, sizeof set, &set))
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			last = cpu;
	}
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	return sched_setaffinity(0, sizeof set, &set);
}

double calibrate_tsc_ghz(void)
{
	return tsc_ghz;
}

static double core_step(void)
{
	uint64_t from = tsc_now(), value = from | 1;

	for (unsigned i = 0; i < CORE_STEPS; i++) {
		value *= UINT64_C(0x5851f42d4c957f2d);
		__asm__ volatile("" : "+r"(value));
	}
	return (double)(tsc_now() - from) / CORE_STEPS;
}

static double memory_step(void)
{
	static uint32_t at;
	uint64_t from = tsc_now();

	for (unsigned i = 0; i < MEMORY_STEPS; i++)
		at = lines[at].next;
	return (double)(tsc_now() - from) / MEMORY_STEPS;
}

struct calibration calibrate(void)
{
	struct calibration seen = {.core = core_step()};

	seen.memory = memory_step();
	return seen;
}

bool calibration_fair(const struct calibration *seen, const struct calibration *usual)
{
	return seen->core <= usual->core * core_most && seen->memory <= usual->memory * memory_most;
}
