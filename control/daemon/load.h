/* SPDX-License-Identifier: BSD-3-Clause */
/* How the data plane bears its load (core/vitals.h), for stats.get and health. */
#pragma once

#include "daemon/boards.h"

#include <jansson.h>

/* {"packets": N, "bytes": N}. NULL: no memory. */
json_t *load_print_count(const struct count *count);

/* Each port and what it counts. NULL: no memory. */
json_t *load_print_ports(const struct vitals_view *view);

/*
 * Each worker of the running `dataplane`: by what generation it decides, what it received, and
 * how busy it is. NULL: no memory.
 */
json_t *load_print_workers(const struct vitals_view *view, const struct counters_view *counters,
			   const struct board_dataplane *dataplane);

/*
 * Append to `problems` each link that is down, each port that has dropped frames in the ten
 * seconds before now_ns (CLOCK_BOOTTIME), and each worker that has been saturated for three.
 * 0, or -1: no memory.
 */
int load_problems(const struct vitals_view *view, uint64_t now_ns, json_t *problems);
