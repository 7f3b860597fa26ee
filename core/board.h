/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The boards: two small shared files in the run folder, one for each direction, each with
 * one writer. The daemon writes control.board and rings its doorbell; the data plane
 * writes dataplane.board and says how far it has come. Whoever writes a board holds an
 * exclusive flock(2) on it for as long as it lives, so that a reader can tell a dead
 * writer from a slow one, and a second writer is refused.
 *
 * How a generation comes to be: the daemon writes the segments that are new into the
 * state folder, then the manifest as `wanted` (temporary file, rename), then stores its
 * generation in control.board and wakes the futex. The data plane reads `wanted`, checks
 * everything on copies of its own, and gives the image to its workers, each of which
 * crosses between two bursts and says so. A refusal is published, and changes nothing. Either
 * rings the doorbell of dataplane.board, for the daemon not to have to ask all the time. When
 * every worker has crossed, it makes the generation durable as `current`.
 */
#pragma once

#include "caps.h"

#include <stdint.h>

/* File names in the run folder. */
#define BOARD_CONTROL   "control.board"
#define BOARD_DATAPLANE "dataplane.board"
#define BOARD_COUNTERS  "dataplane.counters"
#define BOARD_VITALS    "dataplane.vitals"

/* File names in the state folder; segments are segment_name()-%016x of their hash. */
#define STATE_CURRENT  "current" /* manifest of the last good generation, durable */
#define STATE_WANTED   "wanted"  /* manifest of the newest generation published */
#define STATE_FORMER   "former"  /* what `wanted` was before */
#define STATE_SEGMENTS "segments"

#define BOARD_MAGIC UINT32_C(0x42434c53) /* "SLCB" */
enum { BOARD_VERSION = 1 };

/* control.board. Writer: sluiced. */
struct board_control {
	uint32_t magic, version;
	uint64_t generation; /* wanted; 0: none yet */
	uint32_t doorbell;   /* futex: one more with each generation */
	uint32_t pid;
	uint8_t pad[40];
};
_Static_assert(sizeof(struct board_control) == 64, "shared between processes");

/* One worker's line. Writer: that worker. */
struct board_worker {
	uint64_t generation; /* the generation it decides by */
	uint64_t polls;      /* times it asked its ports for packets: its heartbeat */
	uint64_t busy;       /* polls that found any */
	uint64_t idle_ns;    /* time without packets, up to the last moment it looked at a clock */
	uint8_t pad[32];
};
_Static_assert(sizeof(struct board_worker) == 64, "a cache line of its own");

/* Why the data plane does not want a generation. */
struct board_refusal {
	uint64_t generation; /* the refused one; 0: none so far */
	char message[248];   /* NUL-terminated, for people */
};

/* Whose buckets a data plane works on: its own, the twin's, or those that the twin once had. */
enum board_joined { BOARD_APART, BOARD_JOINED, BOARD_FORSAKEN };

/* dataplane.board. Writer: the data plane's main thread, but for worker[]. */
struct board_dataplane {
	uint32_t magic, version;
	uint32_t workers;
	uint32_t pid;
	uint64_t started_ns;   /* CLOCK_REALTIME */
	uint64_t generation;   /* every worker has crossed to it; 0: none yet, everything passes */
	uint64_t heartbeat_ns; /* CLOCK_BOOTTIME of the main thread's last round */
	uint32_t from_disk;    /* 1: started without the daemon, from the last good image */
	uint32_t serial;       /* odd while `refusal` is being written */
	struct board_refusal refusal;
	uint32_t doorbell; /* futex: one more with each generation that is enforced or refused */
	uint32_t joined;   /* enum board_joined */
	uint8_t pad[8];
	struct board_worker worker[CAP_WORKERS];
};
_Static_assert(sizeof(struct board_dataplane) == 320 + 64 * CAP_WORKERS,
	       "shared between processes");
_Static_assert(__builtin_offsetof(struct board_dataplane, worker) % 64 == 0, "aligned lines");
