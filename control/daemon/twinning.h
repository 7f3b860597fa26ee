/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's part in the twin (docs/twin.md): it makes it, gives it each generation in step with
 * the data plane, attaches it, and tries again what failed. The daemon runs all the same where the
 * twin cannot be had: then `problem` says why, and the calls below do nothing.
 */
#pragma once

#include "bpf/load.h"
#include "compile/compile.h"

#include <systemd/sd-event.h>

#define TWINNING_PINS "/sys/fs/bpf/sluice"

/* A generation as the twin gets it. */
struct twin_tables {
	uint64_t generation; /* 0: none */
	struct segment *segment[SEGMENT_KINDS];
	struct image image; /* good for its rules alone, which have their slots */
	void *rules;        /* the segment that these are in: a copy of our own */
	bool loaded;        /* the twin has it */
};

struct twinning {
	const struct twin_options *options; /* NULL: there is to be no twin */
	int run_folder;
	struct twin *twin;    /* NULL: it could not be made yet, or is detached */
	bool detached;        /* and to be left so */
	uint32_t arena_lines; /* that the twin has, or is to have when it is made */
	struct twin_tables active, next;
	bool pending;  /* `next` is prepared */
	bool attached; /* when we last looked */
	sd_event_source *timer;
	unsigned failures;    /* in a row */
	struct error problem; /* code NONE: there is none, but what interfaces say */
};

/* options NULL: there is to be no twin. Both they and the folder must outlive it. 0, or -errno. */
int twinning_open(sd_event *event, const struct twin_options *options, int run_folder,
		  struct twinning *twinning);

/* Leave the twin at work. */
void twinning_close(struct twinning *twinning);

/*
 * Make what is to be the next generation ready, to be committed or abandoned. 0, or -1 with
 * *error: the twin cannot take it, and goes on with the active one.
 */
int twinning_prepare(struct twinning *twinning, const struct compiled *compiled,
		     struct error *error);
void twinning_commit(struct twinning *twinning, uint64_t generation);
void twinning_abandon(struct twinning *twinning);

/* Have `compiled`, which nobody may refuse, in force as `generation`. */
void twinning_renew(struct twinning *twinning, const struct compiled *compiled,
		    uint64_t generation);

/* Make and attach what is not yet, and again from time to time. */
void twinning_start(struct twinning *twinning);

/*
 * Remove it all from the kernel, and leave it so until twinning_attach(). That one tries at once,
 * and if it fails again and again, as ever. 0, or -1 with *error.
 */
int twinning_detach(struct twinning *twinning, struct error *error);
int twinning_attach(struct twinning *twinning, struct error *error);

/* The interfaces as they are now: how many. */
unsigned twinning_interfaces(const struct twinning *twinning,
			     struct twin_interface interfaces[TWIN_INTERFACES]);

/* Whether the twin is there and on every edge interface. */
bool twinning_filters(const struct twinning *twinning);

/* The same, as far as is known without looking: what is committed is in force. */
bool twinning_enforces(const struct twinning *twinning);

/* Whether it hands frames to the data plane now. */
bool twinning_serving(const struct twinning *twinning);
