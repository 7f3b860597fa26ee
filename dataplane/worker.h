/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker: the loop of one lcore that moves packets between all pairs of ports. */
#pragma once

#include "crossing.h"
#include "idle.h"
#include "pipeline.h"
#include "worker_clock.h"

struct worker {
	_Alignas(64) struct pipeline pipeline;
	const struct pair *pairs;
	unsigned pair_count;
	unsigned index;
	struct crossing *crossing;
	struct board_worker *board;
	struct worker_clock clock;
	const struct idle *idle;
	uint64_t looked_ns;     /* when it last looked at its clock */
	uint64_t idle_since_ns; /* if idle_polls: when it first found nothing */
	unsigned idle_polls;    /* since packets last came, as far as IDLE_SPINS */
	int64_t *packets_left;  /* of all workers together; NULL: no end to them */
	bool *stopping;         /* anyone sets it, everyone heeds it */
};

/* An lcore's function: run until `stopping`; `argument` is the struct worker. */
int worker_run(void *argument);
