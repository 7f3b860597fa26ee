/* SPDX-License-Identifier: BSD-3-Clause */
/* See trial.h. */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* How often this process lost the CPU without having asked for it. */
static long hold_ups(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

static void trial_turn(struct trial *trial, struct trial_sample *samples)
{
	struct calibration calibration;

	trial->warm_up(trial);
	calibration = calibrate();
	for (unsigned i = 0; i < TRIAL_TURN; i++) {
		struct trial_sample *sample = &samples[i];
		long before = hold_ups();

		sample->before = calibration;
		sample->cycles = trial->run(trial);
		calibration = sample->after = calibrate();
		sample->held_up = !trial->stops && hold_ups() != before;
	}
}

void trials_run(struct trial **trials, unsigned count, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < count; i++)
			trial_turn(trials[i], &trials[i]->sample[round * TRIAL_TURN]);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that a share of the sorted values lies below. */
static double quantile(const double *sorted, unsigned count, double share)
{
	return count ? sorted[(unsigned)(share * (count - 1) + 0.5)] : 0;
}

static double usual_of(double *values, unsigned count)
{
	double usual;

	qsort(values, count, sizeof *values, compare);
	usual = quantile(values, count, 0.25);
	free(values);
	return usual;
}

/* What the reference loops cost in the better part of the run. */
static struct calibration usual(struct trial **trials, unsigned count, unsigned samples)
{
	double *core = malloc(count * samples * sizeof *core);
	double *memory = malloc(count * samples * sizeof *memory);

	if (!core || !memory)
		abort();
	for (unsigned i = 0; i < count * samples; i++) {
		const struct calibration *seen = &trials[i / samples]->sample[i % samples].before;

		core[i] = seen->core;
		memory[i] = seen->memory;
	}
	return (struct calibration){.core = usual_of(core, count * samples),
				    .memory = usual_of(memory, count * samples)};
}

static bool sample_fair(const struct trial_sample *sample, const struct calibration *usual)
{
	return !sample->held_up && calibration_fair(&sample->before, usual) &&
	       calibration_fair(&sample->after, usual);
}

/* The cycles of fair samples, sorted. How many. */
static unsigned keep_fair(const struct trial_sample *sample, unsigned samples,
			  const struct calibration *usual, double *kept)
{
	unsigned count = 0;

	for (unsigned i = 0; i < samples; i++) {
		if (sample_fair(&sample[i], usual))
			kept[count++] = sample[i].cycles;
	}
	qsort(kept, count, sizeof *kept, compare);
	return count;
}

/* The median of each round, 0 where there is none: what ratios are made of. */
static void print_rounds(const struct trial *trial, unsigned samples,
			 const struct calibration *usual)
{
	printf(",\"rounds\":[");
	for (unsigned first = 0; first < samples; first += TRIAL_TURN) {
		double kept[TRIAL_TURN];
		unsigned count = keep_fair(&trial->sample[first], TRIAL_TURN, usual, kept);

		printf("%s%.2f", first ? "," : "", quantile(kept, count, 0.5));
	}
	printf("]");
}

static void trial_print(const struct trial *trial, unsigned samples,
			const struct calibration *usual)
{
	double kept[TRIAL_SAMPLES];
	unsigned count = keep_fair(trial->sample, samples, usual, kept);

	printf("{\"name\":\"%s\",\"unit\":\"cycles\",\"figure\":%.2f,\"low\":%.2f,"
	       "\"high\":%.2f,\"samples\":%u,\"kept\":%u",
	       trial->name, quantile(kept, count, 0.5), quantile(kept, count, 0.25),
	       quantile(kept, count, 0.75), samples, count);
	print_rounds(trial, samples, usual);
	printf("}\n");
}

void trials_print(struct trial **trials, unsigned count, unsigned rounds)
{
	const struct calibration machine = usual(trials, count, rounds * TRIAL_TURN);

	printf("{\"name\":\"machine\",\"tsc_ghz\":%.3f,\"core_cycles\":%.3f,\"memory_cycles\":%.1f}"
	       "\n",
	       calibrate_tsc_ghz(), machine.core, machine.memory);
	for (unsigned i = 0; i < count; i++)
		trial_print(trials[i], rounds * TRIAL_TURN, &machine);
}
