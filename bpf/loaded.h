/* SPDX-License-Identifier: BSD-3-Clause */
/* A loaded twin, and what the files of its loader ask of one another. */
#pragma once

#include "generations.h"
#include "join.h"
#include "load.h"
#include "twin.h"

#include <twin_bpf.h> /* made by bpftool */

/* An interface that was named, and the program that was loaded for it. */
struct attached {
	char name[IF_NAMESIZE];
	unsigned pair;
	enum port_role role;
	struct twin_bpf *bpf;  /* NULL: none yet */
	struct twin_port port; /* what it was loaded for */
	int link;              /* or -1 */
	char problem[256];
};

struct twin {
	struct twin_options options; /* `pins` is the twin's own copy */
	struct twin_bpf *bpf;        /* whose maps the programs on interfaces share */
	struct join join;            /* the state */
	struct generations generations;
	struct worker_counters *counters; /* of each CPU; this and the next are the maps' memory */
	uint32_t *slot_rule;
	uint32_t cpus;
	struct attached attached[TWIN_INTERFACES];
	unsigned attached_count;
	uint8_t asked[sizeof(struct twin_question) + CAP_FRAME];
	uint8_t answered[sizeof(struct twin_question) + CAP_FRAME];
};

/* Set *error to what failed, by a negative errno, which is returned. */
int twin_fail(struct twin_error *error, int code, const char *what);

/* The memory of a map of `size` bytes, or NULL with errno set. */
void *twin_map(int map, size_t size);

/*
 * Have the maps of an opened program that outlive processes be those that are pinned, as far as
 * they fit; and, once it is loaded, map them, make what is new, and pin it.
 */
int keep_find(struct twin *twin, struct twin_error *error);
int keep_all(struct twin *twin, struct twin_error *error);
void keep_leave(struct twin *twin);

/* Let go of the programs on interfaces, which stay there. */
void attach_close(struct twin *twin);
