/* SPDX-License-Identifier: BSD-3-Clause */
/* The totals that a data plane leaves behind when it ends. */
#pragma once

#include "counters.h"

#include <stdio.h>

/*
 * Print the sums over all workers as one JSON object on one line. Whether the equations of
 * core/counters.h hold, for every worker and so for the sums.
 */
bool report_totals(FILE *file, const struct counters *counters, uint64_t generation);
