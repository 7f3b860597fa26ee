/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the machine is the same from one sample to the next. Two reference loops that no
 * change to the project touches are timed around every sample: one that only the core's own
 * speed shows in, and one that only memory's does. A sample whose surroundings were slower
 * than is usual in the run is thrown away.
 */
#pragma once

#include <stdbool.h>

/* TSC cycles a step. */
struct calibration {
	double core;   /* a multiplication that depends on the one before */
	double memory; /* a load, from memory that no cache holds, whose address the last one gave
			*/
};

/* Stay on one CPU: the last, as the first has most interrupts to see to. 0, or -1. */
int calibrate_pin(void);

/* Make the memory to chase through, and find the TSC's rate. 0, or -ENOMEM. */
int calibrate_init(void);

/* TSC cycles a nanosecond. */
double calibrate_tsc_ghz(void);

struct calibration calibrate(void);

/* Whether `seen` is within what is allowed of `usual`. */
bool calibration_fair(const struct calibration *seen, const struct calibration *usual);
