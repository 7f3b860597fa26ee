/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiler: a policy and its feeds in, the segments of an image out. Deterministic: equal
 * policies, feeds and salts give equal bytes, hence equal names, if nothing earlier is built
 * upon. What is gives images that say the same, with single addresses in other layers.
 */
#pragma once

#include "compile/feed.h"

/* One compiled segment, IMAGE_ALIGN-aligned, reference-counted so that images can share it. */
struct segment {
	unsigned references;
	void *data; /* begins with struct segment_header */
	size_t size;
};

struct segment *segment_ref(struct segment *segment);
void segment_unref(struct segment *segment); /* NULL is fine */

struct membership; /* the compiler's own: which group holds which origin */
struct kept;       /* likewise: the sets as they were compiled */

struct compiled {
	struct segment *segment[SEGMENT_KINDS];
	struct membership *membership; /* NULL of segments that were loaded */
	uint64_t feed_stamp;           /* of the feeds behind SEGMENT_ORIGINS; 0: not known */
	uint64_t feeds_recipe;         /* of the policy's list of feeds */
	uint64_t origin_recipe;        /* of the policy's part in SEGMENT_ORIGINS */
	uint64_t services_recipe;      /* of the policy's part in SEGMENT_SERVICES */
	struct kept *kept; /* the policy's part in SEGMENT_SETS to SEGMENT_LATEST; or NULL */
};

/*
 * Compile `policy`, whose salt must be set, into *compiled, for compiled_unref().
 * `previous` (or NULL) is an earlier result: what has not changed, above all the origins,
 * is taken over from it instead of being built again. So are the origins when a feed's
 * file is not there at the moment: absence is never an instruction; and one that holds far
 * less than before is refused. 0, or -1 with *error and *compiled empty.
 */
int compile(const struct policy *policy, const struct feed_paths *paths,
	    const struct compiled *previous, struct compiled *compiled, struct error *error);

/*
 * The same for a policy of which nothing has changed since `previous` but what its sets hold. It
 * takes time in proportion to that.
 */
int compile_entries(const struct policy *policy, const struct compiled *previous,
		    struct compiled *compiled, struct error *error);

void compiled_unref(struct compiled *compiled);

/* All of it but what is compiled from sets, which is NULL; with references of its own. */
struct compiled compiled_frame(const struct compiled *compiled);

/* The salt that it was compiled with: 16 bytes. */
const uint8_t *compiled_salt(const struct compiled *compiled);

/* Note that loaded segments were compiled from `policy`. 0 or -ENOMEM. */
int compiled_keep(struct compiled *compiled, const struct policy *policy);

/*
 * Open segments in place that this process compiled, or checked as it loaded them. 0, or -1
 * with *error.
 */
int compiled_image(const struct compiled *compiled, struct image *image, struct error *error);

/*
 * Open what was compiled, after the same checks that any reader makes, on the segments in
 * place: for offline verbs and tests. 0, or -1 with *error.
 */
int compiled_open(const struct compiled *compiled, struct image *image, struct error *error);

/* The manifest of these segments and a ledger (or NULL); its hash is set. */
void compiled_manifest(const struct compiled *compiled, uint64_t generation, uint64_t now_ns,
		       const struct manifest_ledger *ledger, struct manifest *manifest);
