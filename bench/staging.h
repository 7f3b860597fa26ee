/* SPDX-License-Identifier: BSD-3-Clause */
/* A loaded stage.bpf.c with the senders that it puts into a packet, one after the other. */
#pragma once

#include "stage.h"
#include "traffic.h"

#include <stdbool.h>

struct stage;

/*
 * Senders as `traffic` has them, for programs that take frames in several buffers if `frags`: only
 * such a program may go on to another. NULL: what is wrong has been said.
 */
struct stage *stage_open(struct traffic *traffic, bool frags);

void stage_close(struct stage *stage);

/* The descriptor of the program to run, which goes on to `program` from now on. */
int stage_for(struct stage *stage, int program);

/* That of a program that does nothing. */
int stage_empty(const struct stage *stage);

/* That of one that drops every packet. */
int stage_drop(const struct stage *stage);

/* That of one whose packets leave by an interface. */
int stage_flood(struct stage *stage, unsigned interface);
