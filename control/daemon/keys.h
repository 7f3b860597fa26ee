/* SPDX-License-Identifier: BSD-3-Clause */
/* Request keys: the answers to the last changes that had one, so that repeating is harmless. */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	KEYS_KEPT = 1024,
	KEY_BYTES = 128, /* the longest */
};

struct key {
	char text[KEY_BYTES + 1];
	uid_t uid;        /* one user's keys are not another's */
	uint64_t request; /* hash of what was asked */
	json_t *answer;   /* NULL: free */
};

/* Starts zeroed. */
struct keys {
	struct key kept[KEYS_KEPT];
	unsigned next; /* the oldest */
};

/* What a user asked under this key before, or NULL. */
const struct key *keys_find(const struct keys *keys, uid_t uid, const char *text);

/* Remember an answer, forgetting the oldest. `text` is at most KEY_BYTES long. */
void keys_add(struct keys *keys, uid_t uid, const char *text, uint64_t request, json_t *answer);

void keys_free(struct keys *keys);
