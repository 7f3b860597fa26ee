/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state folder: segments, manifests, the salt. Every manifest is replaced in one step,
 * so that a crash at any point leaves the old or the new. What is published is at first
 * only written, as `wanted`; what that was before, `former`, is what is enforced until the
 * workers cross. It reaches the disk with store_keep(), as `current`: a daemon that dies
 * loses nothing, a machine that dies at most what store_keep() had not come to. A segment
 * that no manifest names goes, or becomes the next of its kind.
 */
#pragma once

#include "compile/compile.h"

#include <stdbool.h>

/* The manifests there are. */
enum store_held { HELD_CURRENT, HELD_WANTED, HELD_FORMER, STORE_HELD };

struct store {
	const char *path;
	int folder; /* file descriptors */
	int segments;
	struct manifest held[STORE_HELD]; /* zero: there is none */
	bool reuses;                      /* all that was there at the start could be read */
	bool kept;                        /* `current` is of our own making: its files are synced */
	bool writes_ahead;                /* a file of SEGMENT_SINGLES that no manifest names yet */
	uint64_t ahead;                   /* its hash, once it is whole and on disk; or 0 */
	uint64_t spare[SEGMENT_KINDS];    /* a file that no manifest needs, by its hash; 0: none */
};

/*
 * Open the folder, made where there is none, for one writer; `path` is not copied. 0, or -1
 * with *error. This and all other errors name a file by its full path.
 */
int store_open(const char *path, struct store *store, struct error *error);
void store_close(struct store *store);

/* Whether files can be written; one is, and removed. 0, or -1 with *error. */
int store_check_writable(const struct store *store, struct error *error);

/* Whether the salt's file is absent or whole. 0, or -1 with *error. */
int store_check_salt(const struct store *store, struct error *error);

/*
 * The store's own salt. Where its file is missing or damaged, the salt in force is written
 * in its place; in_force NULL: there is none, and a missing one is made. 0, or -1 with *error.
 */
int store_salt(const struct store *store, const uint8_t *in_force, uint8_t salt[16],
	       struct error *error);

enum store_found { STORE_ABSENT, STORE_LOADED, STORE_BAD };

/*
 * Read `name`, one of the three manifests, and the segments it names, checking both as
 * any reader does. STORE_LOADED: *manifest and *compiled are set, for compiled_unref().
 * STORE_BAD: *error says what and where; *manifest is set if it at least is good, else zero.
 */
enum store_found store_load(const struct store *store, const char *name, struct manifest *manifest,
			    struct compiled *compiled, struct error *error);

/*
 * Write the segments of `compiled` that differ from those of `previous` (or NULL), then
 * the manifest as `wanted`. 0, or -1 with *error, `wanted` being what it was.
 */
int store_put(struct store *store, const struct manifest *manifest, const struct compiled *compiled,
	      const struct compiled *previous, struct error *error);

/*
 * Write what the sets of `after` hold to the ledger; see ledger_write(). 0, or -1 with *error.
 */
int store_put_entries(const struct store *store, const struct policy *before,
		      const struct manifest_ledger *at, const struct policy *after,
		      struct manifest_ledger *now, struct error *error);

/* Fill the sets of a loaded document with what they hold. 0, or -1 with *error. */
int store_load_entries(const struct store *store, const struct manifest_ledger *ledger,
		       struct policy *policy, struct error *error);

/* Read all manifests; one that is not there is zero. 0, or -1: one that is cannot be read. */
int store_manifests(const struct store *store, struct manifest manifests[STORE_HELD]);

/* Whether manifest `name` is there, and the same as *manifest. */
bool store_has(const struct store *store, const char *name, const struct manifest *manifest);

/*
 * Make what store_put() wrote last durable, as `current`, and drop segments that no
 * manifest names any more. 0, or -1 with *error.
 */
int store_keep(struct store *store, const struct manifest *manifest, struct error *error);

/* Set *error: what is wrong with the folder's file `name`. Returns -1. */
int store_fault(const struct store *store, const char *name, struct error *error,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Take back a first publication: there is no `wanted`. */
void store_forget_wanted(struct store *store);
