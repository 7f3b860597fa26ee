/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change: one or more requests that become one generation. What is too long for one
 * request goes in several.
 */
#pragma once

#include "client.h"

/* What an entry list may take up in one request, whose limit is 1 MiB. */
enum { CHANGE_PART_BYTES = 900 * 1024 };

/* Add a request to `change`, a JSON array. Takes over `params`. 0, or -ENOMEM. */
int change_add(json_t *change, const char *method, json_t *params);

/*
 * The same for a long list: `params` and as much of `list` as fits go to `method` under
 * `key`, the rest in as many requests as it takes to `rest`, with the same params. Takes over
 * `params`.
 */
int change_add_list(json_t *change, const char *method, const char *rest, json_t *params,
		    const char *key, const json_t *list);

/*
 * Send every request, on a connection of its own, and begin anew if another change came in
 * between; the answer to the whole, a new reference, or NULL with *error.
 */
json_t *change_commit(const struct cli *cli, const json_t *change, struct error *error);

/* Print the generation that `answer`, which is taken over, tells of. The exit status. */
int change_print(const struct cli *cli, json_t *answer);

/*
 * Both, and say what is refused. Takes over `change`. `file`
 * (or NULL) is the policy document it came from, for errors to name. The exit status.
 */
int change_send(const struct cli *cli, json_t *change, const char *file);
