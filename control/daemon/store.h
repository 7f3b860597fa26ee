/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state folder: segments, manifests, the salt. Every manifest is replaced in one step,
 * so that a crash at any point leaves the old or the new. What is published is at first
 * only written, as `wanted`; what that was before, `former`, is what is enforced until the
 * workers cross. It reaches the disk with store_keep(), as `current`: a daemon that dies
 * loses nothing, a machine that dies at most what store_keep() had not come to. A segment
 * that no manifest names goes.
 */
#pragma once

#include "compile/compile.h"

#include <stdbool.h>

#define STORE_FORMER "former"

struct store {
	int folder, segments; /* file descriptors */
};

/* Open the folder, made where there is none, for one writer. 0, or -1 with *error. */
int store_open(const char *path, struct store *store, struct error *error);
void store_close(struct store *store);

/* The store's own salt, made at the first call. 0, or -1 with *error. */
int store_salt(const struct store *store, uint8_t salt[16], struct error *error);

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
int store_put(const struct store *store, const struct manifest *manifest,
	      const struct compiled *compiled, const struct compiled *previous,
	      struct error *error);

/*
 * Make what store_put() wrote last durable, as `current`, and drop segments that no
 * manifest names any more. 0, or -1 with *error.
 */
int store_keep(const struct store *store, const struct manifest *manifest, struct error *error);

/* Take back a first publication: there is no `wanted`. */
void store_forget_wanted(const struct store *store);
