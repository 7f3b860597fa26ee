/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Folding beside the event loop: a thread builds the layer of all single addresses and writes its
 * file, both of which take seconds where there are millions, and touches nothing that the loop
 * changes. The next change is then built upon it. What is lost with a daemon that dies meanwhile
 * is the work: layers and ledger have all that was answered.
 */
#pragma once

#include "daemon/publish.h"

#include "compile/fold.h"

#include <pthread.h>

struct folding {
	struct store *store;
	struct fold *fold; /* NULL: none */
	const void *seen;  /* SEGMENT_LATER that was looked at last: never read */
	pthread_t thread;
	int over;                /* eventfd that the thread writes to */
	sd_event_source *source; /* of it */
	bool running;
	int result; /* the thread's, once it is over: 0 or -errno */
};

/* 0, or -errno. */
int folding_open(sd_event *event, struct store *store, struct folding *folding);

/* Waits for the thread. */
void folding_close(struct folding *folding);

/* A generation became active: begin to fold if it is time to. */
void folding_consider(struct folding *folding, const struct edition *active);

/*
 * What to build upon instead of `previous`, for compiled_unref(), if a fold has ended. It is given
 * but once. False: nothing.
 */
bool folding_take(struct folding *folding, const struct compiled *previous, struct compiled *base);
