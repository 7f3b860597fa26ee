/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entries of a set, in the order of prefix_compare(), no prefix twice: a B-tree whose
 * nodes are shared between copies and copied only where one of them is changed (Bayer and
 * McCreight 1972; path copying as in Driscoll, Sarnak, Sleator and Tarjan 1989). So a copy of
 * ten million entries costs nothing, a change to it a few nodes, and what two copies do not
 * share is what differs between them.
 */
#pragma once

#include "policy/prefix.h"

#include <stdbool.h>
#include <stdint.h>

struct entry_params {
	struct prefix prefix;
	uint64_t expires_ns; /* UTC; 0: never */
	char *reason;        /* of reason_new(), or NULL */
};

/* A reason, shared by whoever holds it. NULL: no memory. */
char *reason_new(const char *text);
char *reason_ref(char *reason); /* NULL is fine, and so below */
void reason_unref(char *reason);

/* What holds for all entries below a place in the tree. */
struct entries_sum {
	uint32_t count;
	uint32_t wide;     /* of them more than a single address */
	uint64_t earliest; /* when the first of them expires; UINT64_MAX: none does */
};

/* Zeroed: no entries. */
struct entries {
	struct entries_node *root;
	struct entries_sum sum;
};

/* Another holder of the same entries; changes to one are not seen in the other. */
struct entries entries_copy(const struct entries *entries);
void entries_free(struct entries *entries);

/* The entry of exactly this prefix, good until the next change; or NULL. */
const struct entry_params *entries_find(const struct entries *entries, const struct prefix *prefix);

/*
 * Put an entry in its place, or in that of the one with the same prefix; its reason becomes
 * the entries'. 0, or -ENOMEM with nothing changed or taken over.
 */
int entries_put(struct entries *entries, const struct entry_params *entry);

/* Drop the entry of this prefix, if there is one. 0, or -ENOMEM with nothing changed. */
int entries_drop(struct entries *entries, const struct prefix *prefix);

/* How many have expired at now_ns (UTC). */
size_t entries_expired(const struct entries *entries, uint64_t now_ns);

enum entries_kind {
	ENTRIES_ALL,
	ENTRIES_WIDE,    /* more than a single address */
	ENTRIES_EXPIRED, /* at the cursor's now_ns */
};

enum { ENTRIES_DEPTH = 16 };

/* A place in the order. While it is in use the entries must not change. */
struct entries_cursor {
	enum entries_kind kind;
	uint64_t now_ns;
	unsigned depth; /* nodes from the root down to here; 0: past the last */
	struct {
		const struct entries_node *node;
		unsigned at;
	} path[ENTRIES_DEPTH];
};

/* Begin at the first entry of a kind. Entries of other kinds are passed by, mostly unseen. */
struct entries_cursor entries_first(const struct entries *entries, enum entries_kind kind,
				    uint64_t now_ns);

/* Begin, among all, at an entry that lives at now_ns and has `skip` such before it. */
struct entries_cursor entries_skip(const struct entries *entries, size_t skip, uint64_t now_ns);

/* The entry here, or NULL past the last. */
const struct entry_params *entries_at(const struct entries_cursor *cursor);

void entries_next(struct entries_cursor *cursor);

/* Told of a prefix whose entry differs: NULL where there is none. Not 0: that is enough. */
typedef int entries_differ(void *context, const struct entry_params *before,
			   const struct entry_params *after);

/*
 * Compare, in order. It takes time in proportion to what the two do not share. 0, or what
 * `differ` returned that was not.
 */
int entries_compare(const struct entries *before, const struct entries *after,
		    entries_differ *differ, void *context);

bool entry_same(const struct entry_params *a, const struct entry_params *b);
