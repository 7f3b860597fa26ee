/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trials: what is measured, each once a round, so that all see the machine in the same moods.
 */
#pragma once

#include "calibrate.h"

enum {
	TRIAL_NAME = 64,
	TRIAL_ROUNDS = 64,
	TRIAL_TURN = 64,
	TRIAL_SAMPLES = TRIAL_ROUNDS * TRIAL_TURN
};

struct trial_sample {
	double cycles; /* of the TSC, a packet */
	bool held_up;  /* another process had the CPU in between */
	struct calibration before, after;
};

struct trial {
	char name[TRIAL_NAME];
	/* Its clock stops while another process has the CPU: that is no reason to drop a sample. */
	bool stops;
	void (*warm_up)(struct trial *trial);
	/* Do some of it: TSC cycles a packet. */
	double (*run)(struct trial *trial);
	struct trial_sample sample[TRIAL_SAMPLES];
};

/* Each of at most TRIAL_ROUNDS rounds warms every trial up and takes TRIAL_TURN samples of it. */
void trials_run(struct trial **trials, unsigned count, unsigned rounds);

/* A line of JSON for each: its median and quartiles over the samples that were fair. */
void trials_print(struct trial **trials, unsigned count, unsigned rounds);
