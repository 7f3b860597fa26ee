/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon as a whole: its parts, and how they are started. */
#pragma once

#include "daemon/audit.h"
#include "daemon/change.h"
#include "daemon/folding.h"
#include "daemon/options.h"
#include "daemon/publish.h"
#include "daemon/server.h"

#include <sys/un.h>

struct daemon {
	sd_event *event;
	struct feed_paths feeds;
	struct store store;
	struct boards boards;
	struct twinning twinning;
	struct publisher publisher;
	struct server server;
	struct sockaddr_un made; /* the socket's address, to be removed; empty: it was given */
	struct audit audit;
	struct changes changes;
	struct folding folding;
	struct image image;        /* of the active edition, for explaining */
	uint64_t image_generation; /* when it was opened; 0: not yet */
	struct error unwritable;   /* why the state folder cannot be written; code NONE: it can */
	uint64_t probed_us;        /* CLOCK_MONOTONIC when that was tried */
};

/*
 * Start all but the event loop. fd: the listening socket, or -1 to make control.sock in
 * the run folder. *daemon is filled in place and must not move. 0, or -1 with *error.
 */
int daemon_open(const struct options *options, sd_event *event, int fd, struct daemon *daemon,
		struct error *error);
void daemon_close(struct daemon *daemon);

enum { DAEMON_FAULTS = 4 };

/* What is wrong with the state folder now. How many of faults[] are set. */
unsigned daemon_faults(struct daemon *daemon, struct error faults[DAEMON_FAULTS]);

/*
 * Compile with the daemon's feeds and, where `policy` has no salt, the store's. What has
 * not changed is taken from the active edition; feeds' files are looked at if `look`, or where
 * the policy asks something new of them. 0, or -1 with *error.
 */
int daemon_compile(struct daemon *daemon, struct policy *policy, bool look,
		   struct compiled *compiled, struct error *error);
