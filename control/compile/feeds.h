/* SPDX-License-Identifier: BSD-3-Clause */
/* The feeds' readers, one for each type. See feed.h. */
#pragma once

#include "compile/feed.h"

/* Add a prefix to the data; `where` names the file and line. 0, or -1 with *error. */
int feed_add(struct feed_data *data, const struct feed_prefix *prefix, const char *where,
	     struct error *error);

/* Add what libloc's database at `path` holds. */
int feed_libloc(const char *path, struct feed_data *data, struct error *error);

/* Add what the CSV file `name` in `folder` (or NULL) holds. */
int feed_csv(const char *folder, const char *name, struct feed_data *data, struct error *error);

/*
 * Read a line of a CSV feed of the usual form, up to its newline at `end`, after which there must
 * be a byte more. False: it is of another, and perhaps wrong; feed_csv_line() knows.
 */
bool feed_line_usual(const char *line, const char *end, struct feed_prefix *prefix);

/* Open a CSV file: a bare name, a regular file, no link. A descriptor, or -1 with *error. */
int feed_csv_open(const char *folder, const char *name, struct error *error);
