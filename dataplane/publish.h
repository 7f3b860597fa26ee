/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the data plane shows the world: dataplane.board, whose lock also keeps a second
 * data plane out, the counters and the vitals. Main thread, but for each worker's own lines.
 */
#pragma once

#include "board.h"
#include "vitals.h"

struct publish {
	int board_fd; /* holds the lock for as long as the process lives */
	struct board_dataplane *board;
	struct counters *counters;
	size_t counters_size;
	struct vitals *vitals;
};

/*
 * Take the board in folder `run_dir`, which is made if missing, and begin it, the counters and
 * the vitals anew for `workers` workers; now_ns is CLOCK_REALTIME. 0, or -errno, having said
 * what is wrong: -EBUSY when another data plane holds the board.
 */
int publish_open(const char *run_dir, unsigned workers, uint64_t now_ns, struct publish *publish);

/* Let go of them. Their files stay, for whoever asks what was last. */
void publish_close(struct publish *publish);

/* Tell whoever waits that a generation is enforced, as the board says by now. */
void publish_ring(struct publish *publish);

/* Say why a generation is not wanted. */
void publish_refusal(struct publish *publish, const struct board_refusal *refusal);
