/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Following the daemon by control.board, which may be there, appear, vanish or be made
 * again at any time: its absence is never an instruction. Main thread only.
 */
#pragma once

#include "board.h"

#include <stdbool.h>
#include <limits.h>
#include <sys/types.h>

struct follow {
	char path[PATH_MAX];
	const struct board_control *board; /* NULL: none there, or not one to be read */
	int fd;
	dev_t device;
	ino_t inode;
	uint32_t doorbell; /* as last heeded */
	bool heeded;       /* this board has been, once */
};

/* Begin to follow the board in folder `run_dir`, whether or not there is one. */
void follow_open(struct follow *follow, const char *run_dir);

void follow_close(struct follow *follow);

/* Open the board anew if another file has taken its name, and forget one that is gone. */
void follow_refresh(struct follow *follow);

/* Whether a daemon holds the board. */
bool follow_daemon_lives(const struct follow *follow);

/*
 * Whether the doorbell has rung since this was last asked, or the board is another; then
 * *generation is the wanted one, 0 if there is none yet.
 */
bool follow_rung(struct follow *follow, uint64_t *generation);

/* The generation that a living daemon wants; 0: none, or no daemon. */
uint64_t follow_wanted(const struct follow *follow);

/* Sleep until the doorbell rings, a signal comes or timeout_ms have passed. */
void follow_wait(const struct follow *follow, unsigned timeout_ms);
