/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's side of the boards (core/board.h): it writes one and reads the other. */
#pragma once

#include "policy/error.h"
#include "board.h"
#include "vitals.h"

#include <stdbool.h>
#include <sys/types.h>

struct boards {
	int folder;     /* file descriptor of the run folder */
	int control_fd; /* its lock says that this daemon lives */
	struct board_control *control;
	int dataplane_fd; /* -1: none was seen yet */
	dev_t device;     /* of the file that is mapped: a data plane may make a new one */
	ino_t inode;
	const struct board_dataplane *dataplane;
};

/*
 * Take control.board in the run folder, which is made where there is none. 0, or -1 with
 * *error: one error is that another daemon holds it.
 */
int boards_open(const char *path, struct boards *boards, struct error *error);
void boards_close(struct boards *boards);

/* Announce `generation` and wake the data plane. */
void boards_announce(struct boards *boards, uint64_t generation);

/* The generation announced last, perhaps by a daemon before this one; 0: none. */
uint64_t boards_announced(const struct boards *boards);

/* The highest generation that either board speaks of, whether or not its writer lives. */
uint64_t boards_highest(struct boards *boards);

/* The board of the data plane that runs, good until the next call. NULL: none runs. */
const struct board_dataplane *boards_dataplane(struct boards *boards);

/*
 * Sleep until the data plane that runs enforces `generation` or refuses it, or until
 * timeout_ns have passed; perhaps not at all.
 */
void boards_wait(struct boards *boards, uint64_t generation, long timeout_ns);

/* How many workers the data plane has. */
uint32_t dataplane_workers(const struct board_dataplane *dataplane);

/* The generation that every worker has come to at least; 0: none. */
uint64_t dataplane_generation(const struct board_dataplane *dataplane);

/* Whether the data plane's last refusal is of `generation`, and why. */
bool dataplane_refused(const struct board_dataplane *dataplane, uint64_t generation,
		       struct board_refusal *refusal);

struct counters_view {
	const struct counters *counters;
	uint32_t workers; /* whose counters are mapped */
	size_t size;      /* bytes mapped */
};

/* Map the counters as they are now, for counters_unmap(). 0, or -errno. */
int counters_map(const struct boards *boards, struct counters_view *view);
void counters_unmap(struct counters_view *view);

struct vitals_view {
	const struct vitals *vitals;
	uint32_t ports, workers; /* elements of its arrays that are in use */
	size_t size;             /* bytes mapped */
};

/* Map the vitals as they are now, for vitals_unmap(). 0, or -errno. */
int vitals_map(const struct boards *boards, struct vitals_view *view);
void vitals_unmap(struct vitals_view *view);
