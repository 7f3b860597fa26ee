/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publication: a compiled policy becomes the generation that every worker decides by, and the
 * twin, or nothing changes. One at a time. See core/board.h for the protocol with the data plane.
 */
#pragma once

#include "daemon/boards.h"
#include "daemon/store.h"
#include "daemon/twinning.h"

#include <systemd/sd-event.h>

/* A policy and what it compiles to. */
struct edition {
	uint64_t generation; /* 0: none */
	struct policy *policy;
	struct compiled compiled;
	struct manifest_ledger ledger; /* where the policy's entries are on disk */
};

void edition_free(struct edition *edition);

/* Called from the event loop when a publication ends; error NULL: it is active now. */
typedef void publish_done(void *context, uint32_t workers, const struct error *error);

struct publisher {
	struct store *store;
	struct boards *boards;
	struct twinning *twinning;
	uint64_t highest;          /* generation number seen anywhere: the next is one more */
	struct edition active;     /* without a policy: nothing may be changed but as a whole */
	struct edition next;       /* under way, if `done` is set */
	struct manifest published; /* the manifest in `wanted` */
	bool kept;                 /* it is `current` too */
	bool keep_due;             /* it should be by now, but for what is under way */
	uint64_t began_us;         /* CLOCK_MONOTONIC when it was announced */
	publish_done *done;
	void *context;
	sd_event_source *waited, *poll, *keep;
	struct error unkept; /* why the active generation is not durable; code NONE: it is */
	struct error damage; /* what is wrong with the state folder's files; likewise */
	const char *damaged; /* the manifest that was loaded when it was found */
};

/*
 * Take over the last good generation from the store. Damaged files are no error: what
 * remains is used, and without any, nothing is published. 0, or -1 with *error.
 */
int publisher_open(sd_event *event, struct store *store, struct boards *boards,
		   struct twinning *twinning, struct publisher *publisher, struct error *error);

/* End, with the active generation made durable. */
void publisher_close(struct publisher *publisher);

bool publisher_busy(const struct publisher *publisher);

/*
 * Begin to publish `compiled` as the next generation; `done` tells how it ended. Takes over
 * both `policy` and `compiled`, whatever comes of it. 0, or -1 with *error and done never
 * called. Not to be called while one is under way.
 */
int publish(struct publisher *publisher, struct policy *policy, struct compiled *compiled,
	    publish_done *done, void *context, struct error *error);
