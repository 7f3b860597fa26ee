/* SPDX-License-Identifier: BSD-3-Clause */
/* Origin feeds: where addresses are from, as prefixes with a country and an AS. */
#pragma once

#include "compile/forest.h"
#include "policy/policy.h"

struct feed_prefix {
	struct prefix prefix;
	uint32_t asn;    /* 0: not named */
	char country[2]; /* zero bytes: not named */
};

/* The feeds' prefixes, feed by feed: of equal ones the last counts. */
struct feed_data {
	struct forest forest[FAMILIES]; /* a node's item is an AS, its kind feed_country()'s */
};

/* A country in a word, as an image in memory has it; no country is FEED_MARK. */
static inline uint16_t feed_country(const char country[2])
{
	return (uint16_t)((uint8_t)country[0] | (uint8_t)country[1] << 8);
}

enum { FEED_MARK = 0xffff };

/* Where feeds are found. Both folders' owner is trusted; names inside documents are not. */
struct feed_paths {
	const char *libloc; /* database file; NULL: that of the Debian package */
	const char *folder; /* of CSV files; NULL: none, a CSV feed is an error */
	bool settled;       /* what was read before stands, whatever has become of the files */
};

void feed_init(struct feed_data *data);

/*
 * Read every feed of the policy into *data, for feed_free(). 0, or -1 with *error naming
 * the file and line and *data empty.
 */
int feed_read(const struct policy *policy, const struct feed_paths *paths, struct feed_data *data,
	      struct error *error);

void feed_free(struct feed_data *data); /* and leave it as feed_init() does */

/*
 * A number that changes when the policy's list of feeds, or a file behind it, does: by
 * name, inode, size and time of change. 0: a file is missing.
 */
uint64_t feed_stamp(const struct policy *policy, const struct feed_paths *paths);

/* One line of a CSV feed, without its end. 0; 1: blank or comment; -1 with *error. */
int feed_csv_line(const char *line, const char *where, struct feed_prefix *prefix,
		  struct error *error);
