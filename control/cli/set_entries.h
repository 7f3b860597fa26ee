/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes on a command line and in files, and the sets that the daemon has. */
#pragma once

#include "client.h"
#include "policy/prefix.h"

/*
 * The prefixes that the operands from `first` on and --file name, as a JSON array of text.
 * A new reference, or NULL once the error has been said.
 */
json_t *prefixes_named(const struct cli *cli, int first);

/*
 * The same, as entries with what --ttl and --reason say. Takes over `prefixes`; NULL: no
 * memory, or text that is not UTF-8.
 */
json_t *entries_of(const struct cli *cli, json_t *prefixes);

/*
 * The set as set.list answers, with all of its entries: read page by page. A new reference,
 * or NULL with *error.
 */
json_t *set_read(struct client *client, const char *set, struct error *error);

/* The prefix of an entry, which is one as text or an object that holds it. */
const char *entry_prefix(const json_t *entry);
