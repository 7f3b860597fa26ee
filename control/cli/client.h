/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's end of the control socket: requests out, answers in. docs/socket.md. */
#pragma once

#include "cli.h"

#include <jansson.h>

struct client;

/* Connect and be greeted, for client_close(). NULL with *error. */
struct client *client_open(const struct cli *cli, struct error *error);

void client_close(struct client *client); /* NULL is fine */

/*
 * Ask, and wait for the answer: a new reference, or NULL with *error, the daemon's or our own.
 * Takes over the reference to `params`.
 */
json_t *client_ask(struct client *client, const char *method, json_t *params, struct error *error);

/* Connect, ask one thing and say so if it is refused (NULL). Takes over `params`. */
json_t *ask(const struct cli *cli, const char *method, json_t *params);

/* Print an answer as one line of JSON and finish. Takes over `answer`. */
int print_answer(json_t *answer);
