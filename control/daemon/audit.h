/* SPDX-License-Identifier: BSD-3-Clause */
/* audit.jsonl: who changed what, or tried to, a line each. */
#pragma once

#include "daemon/role.h"

#include <jansson.h>
#include <stdint.h>

#define AUDIT_FILE "audit.jsonl"

enum { AUDIT_DENIED_A_MINUTE = 10 }; /* lines that somebody without a role can cause */

struct audit {
	int folder;         /* file descriptor of the state folder */
	int failed;         /* errno of the last line, or 0 */
	uint64_t minute;    /* the one that `denied` counts in */
	unsigned denied;    /* refused for the caller's role in it */
	unsigned unwritten; /* of them, since the last line */
	char *lines;        /* to be written */
	size_t size, capacity;
};

/* How a request to change something ended. */
struct audited {
	const struct peer *peer;
	const char *method;
	const json_t *params;
	uint64_t generation; /* that it made */
	json_int_t staged;   /* parts of the transaction so far, or 0: it was not just staged */
	const struct error *error; /* NULL: it was done */
};

/* Add a line to those to be written with the next audit_flush(). */
void audit_add(struct audit *audit, const struct audited *audited, uint64_t now_ns);

/* Write them. That this failed is for `health` to tell; a change is not undone for it. */
void audit_flush(struct audit *audit);

/* Both. */
void audit_write(struct audit *audit, const struct audited *audited, uint64_t now_ns);

void audit_close(struct audit *audit);
