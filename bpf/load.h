/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The twin: it brings the program into the kernel, gives it the tables of one generation after
 * the other, and attaches it to interfaces, where it stays when this process ends. Functions
 * return 0, or a negative errno with *error set.
 */
#pragma once

#include "mode.h"

#include <net/if.h>

struct twin;

/* Why something failed: what was tried, or what this kernel lacks. */
struct twin_error {
	char message[256];
};

enum { TWIN_PAIRS = 16, TWIN_INTERFACES = TWIN_PAIRS * PORT_ROLES };

/* Interfaces by role; an empty name: there is none. There always is an edge. */
struct twin_pair {
	char name[PORT_ROLES][IF_NAMESIZE];
};

/* Room for two generations with a million origins and a direct table. */
enum { TWIN_ARENA_LINES = 1 << 21 };

/* What a twin is made with, and keeps. */
struct twin_options {
	const char *pins; /* folder on a BPF file system; NULL: nothing is pinned or attached */
	enum twin_mode mode;
	unsigned pairs;
	struct twin_pair pair[TWIN_PAIRS];
	uint64_t sources;              /* as source_lines_for() */
	const struct siphash_key *key; /* of the sources' table, secret; NULL: a random one */
	uint64_t now_ns;               /* the clock's, from which the time of new buckets counts */
	uint32_t arena_lines;          /* for tables, 64 bytes each; 0: TWIN_ARENA_LINES */
	bool explain;                  /* libbpf's messages and the verifier's log to stderr */
};

/*
 * Load the program, without tables. Buckets and counters are those that are pinned, if they are
 * of this size and version, or new ones: empty buckets, or full ones where nothing is pinned.
 * Nothing is attached. *twin is the caller's to close. -EPERM without privileges, -EOPNOTSUPP
 * where the kernel lacks something.
 */
int twin_open(const struct twin_options *options, struct twin **twin, struct twin_error *error);

/* Let go of everything; NULL is fine. What is pinned and attached stays at work. */
void twin_close(struct twin *twin);

/*
 * Make the tables of the next generation, not in force yet: `image`, which image_open() made of
 * `segments`, with expiries on the twin's clock and rules that have their slots. Both may go
 * afterwards. Segments that the twin holds already are not copied again. `direct`: with a direct
 * table, worth it above DIRECT_RANGES. Gives up what was prepared before. 0, or a negative errno
 * with *error set: -ENOSPC if the arena has no room for it.
 */
int twin_prepare(struct twin *twin, void *const segments[SEGMENT_KINDS], const struct image *image,
		 bool direct, struct twin_error *error);

/*
 * Decide by what was prepared, which is generation number `generation`, from the next packet on.
 * Every packet is decided by one generation to its end.
 */
void twin_commit(struct twin *twin, uint64_t generation);

/* Give up what was prepared, if anything was. */
void twin_abandon(struct twin *twin);

/* How many lines of an arena a generation takes. Beside it there must be room for the next. */
uint32_t twin_lines_needed(void *const segments[SEGMENT_KINDS], bool direct);

/*
 * Attach the program to the interfaces, once there are tables: in the place of the one that is
 * pinned, without a packet in between, or anew; and detach it from those that are no longer named.
 * Where it is attached already nothing is done, so what failed can be tried again. On failure as
 * much as possible was done, and twin_interfaces() says what not.
 */
int twin_attach(struct twin *twin, struct twin_error *error);

/* An interface that was named, as it is now. */
struct twin_interface {
	char name[IF_NAMESIZE];
	enum port_role role;
	bool attached;
	bool native;       /* in the driver, not in the kernel's generic hook */
	unsigned sockets;  /* of a data plane: queues whose frames it can be handed */
	char problem[256]; /* why it is not attached, or what keeps it from deciding well; or "" */
};

/* How many there are, in the order they were named. */
unsigned twin_interfaces(struct twin *twin, struct twin_interface out[TWIN_INTERFACES]);

/* Whether frames are handed to a data plane now. */
bool twin_serving(struct twin *twin);

/* What the twin counted, a block for each of *cpus, and for which rule's id each slot counts. */
const struct worker_counters *twin_counters(const struct twin *twin, uint32_t *cpus,
					    const uint32_t **slot_rule);

/* The buckets. */
struct state *twin_state(const struct twin *twin);

/*
 * Take down all that twin_attach() and twin_open() pinned in folder `pins`, and the folder: no
 * program, map or file stays. Fine where there is none.
 */
int twin_detach(const char *pins, struct twin_error *error);

/*
 * Ask the program what becomes of a frame that comes at `now_ns`: buckets are charged as if it
 * had. The kernel takes no frame shorter than an Ethernet header. 0, or a negative errno.
 */
int twin_ask(struct twin *twin, const uint8_t *frame, uint32_t length, uint64_t now_ns,
	     struct decision *decision);
