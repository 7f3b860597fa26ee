/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The promise to serve: until when the twin may hand packets to this data plane. It is put off for
 * as long as every worker is seen to ask its ports for packets, so that a data plane which hangs is
 * handed none. Main thread only.
 */
#pragma once

#include "board.h"
#include "state.h"

struct serving {
	struct state
		*state; /* that the twin shares, or NULL: there is none, and nothing to promise */
	const struct board_dataplane *board;
	uint64_t polls[CAP_WORKERS]; /* of each worker, when last looked at */
};

enum { SERVING_NS = 1000000000 }; /* how long a promise holds */

/* Promise nothing yet. */
void serving_start(struct serving *serving, struct state *state,
		   const struct board_dataplane *board);

/*
 * A round of the main thread, at `now_ns` of CLOCK_MONOTONIC: promise to serve for SERVING_NS from
 * then on, if there is a generation to do it by and every worker has polled since the round before.
 */
void serving_round(struct serving *serving, uint64_t now_ns);

/* Take the promise back: from the next packet on the twin hands over none. */
void serving_end(struct serving *serving);
