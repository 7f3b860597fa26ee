/* SPDX-License-Identifier: BSD-3-Clause */
/* What went wrong, where, in words: the one form that errors take from parser to client. */
#pragma once

enum error_code {
	ERROR_NONE,
	ERROR_INVALID,       /* a value that may not be */
	ERROR_UNKNOWN_FIELD, /* a key that nothing defines */
	ERROR_CONFLICT,      /* not the generation the request was made for, or a key used twice */
	ERROR_LOCKED,        /* another change is under way */
	ERROR_GUARD,         /* refused for the operator's own safety */
	ERROR_CAPACITY,      /* past a cap of core/caps.h */
	ERROR_DENIED,        /* the caller's role may not */
	ERROR_TIMEOUT,       /* the data plane did not cross in time */
	ERROR_DEGRADED,      /* the data plane refused the image, or a file is missing */
};

struct error {
	enum error_code code;
	char path[256];    /* JSON path such as rules[0].admit, or a file and line; may be "" */
	char message[512]; /* one sentence without a full stop */
};

/* Set *error, printf-like; returns -1 so that callers can `return error_set(...)`. */
int error_set(struct error *error, enum error_code code, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The code's word in the protocol: "INVALID", "UNKNOWN_FIELD" and so on. */
const char *error_word(enum error_code code);
