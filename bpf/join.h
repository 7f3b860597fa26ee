/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The twin's state, where the kernel has it, in a process's memory: three arrays, mapped one behind
 * the other, are the one piece that core/state.h takes them for. The data plane and the twin's
 * loader both come to it this way, and whoever changes a bucket changes it for all.
 */
#pragma once

#include "state.h"

/* The parts, in their order, each an array in the kernel and a file in the folder of pins. */
enum join_part { JOIN_STATE, JOIN_RULE_STATES, JOIN_SOURCES, JOIN_PARTS };

enum { JOIN_MESSAGE = 256 };

struct join {
	struct state *state; /* NULL: not joined */
	uint32_t lines;
	size_t size; /* of the memory, in whole pages */
	uint32_t id; /* the kernel's, of the first array */
};

/* The name of a part: a static string. */
const char *join_part_name(enum join_part part);

/*
 * Map the state that the arrays behind these file descriptors are; they may be closed afterwards.
 * What is in it is not looked at: it may have to be made yet. 0, or a negative errno and what is
 * wrong: -EPROTO where the arrays are not of this layout.
 */
int join_maps(const int map[JOIN_PARTS], struct join *join, char message[JOIN_MESSAGE]);

/* As join_maps(), of what is pinned in the folder `pins`, if join_check() has no objection. */
int join_pinned(const char *pins, struct join *join, char message[JOIN_MESSAGE]);

/* Whether the state in *join is one that state_init() made for this layout. 0, or as above. */
int join_check(const struct join *join, char message[JOIN_MESSAGE]);

/* Whether the folder says that the twin has been attached to some interface. */
bool join_attached(const char *pins);

/* Whether another state is pinned in the folder by now. One that is gone was not replaced. */
bool join_replaced(const struct join *join, const char *pins);

/*
 * Wait until nobody else gives rules their slots in a state that processes share, by a lock in
 * their run folder. Its file descriptor, which ends the lock when it is closed, or a negative
 * errno.
 */
int join_lock_slots(int run_folder);

/* Let go of the memory; the kernel keeps the state. */
void join_leave(struct join *join);
