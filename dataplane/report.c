/* SPDX-License-Identifier: BSD-3-Clause */
/* See report.h. */
#include "report.h"

#include <inttypes.h>

/* Print the sum over workers of the count that lies `offset` bytes into their blocks. */
static void print_sum(FILE *file, const struct counters *counters, const char *name, size_t offset)
{
	struct count sum = {0};

	for (uint32_t i = 0; i < counters->workers; i++)
		count_sum(&sum, (const void *)((const char *)&counters->worker[i] + offset));
	fprintf(file, "\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", name, sum.packets,
		sum.bytes);
}

static void print_reasons(FILE *file, const struct counters *counters)
{
	fputs(",\"reasons\":{", file);
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		fputs(i ? "," : "", file);
		print_sum(file, counters, reason_word(i),
			  offsetof(struct worker_counters, reason) + i * sizeof(struct count));
	}
	fputs("}", file);
}

static void print_verdicts(FILE *file, const struct counters *counters)
{
	fputs(",\"verdicts\":{", file);
	for (unsigned i = 0; i < VERDICT_COUNT; i++) {
		fputs(i ? "," : "", file);
		print_sum(file, counters, verdict_word(i),
			  offsetof(struct worker_counters, verdict) + i * sizeof(struct count));
	}
	fputs("}", file);
}

bool report_totals(FILE *file, const struct counters *counters, uint64_t generation)
{
	bool add_up = true;

	fprintf(file, "{\"generation\":%" PRIu64 ",\"workers\":%u,", generation, counters->workers);
	print_sum(file, counters, "received", offsetof(struct worker_counters, received));
	print_reasons(file, counters);
	print_verdicts(file, counters);
	fputs(",", file);
	print_sum(file, counters, "sent", offsetof(struct worker_counters, sent));
	fputs(",", file);
	print_sum(file, counters, "unsent", offsetof(struct worker_counters, unsent));
	fputs(",", file);
	print_sum(file, counters, "returned", offsetof(struct worker_counters, returned));
	fputs(",", file);
	print_sum(file, counters, "unreturned", offsetof(struct worker_counters, unreturned));
	fputs("}\n", file);
	for (uint32_t i = 0; i < counters->workers; i++)
		add_up &= counters_add_up(&counters->worker[i]);
	return add_up;
}
