/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON-RPC 2.0: request lines in, answers and errors out. See docs/socket.md. */
#pragma once

#include "daemon/server.h"

#include <stdint.h>

struct daemon;
struct method;
struct error;

struct request {
	const struct method *method;
	json_t *id; /* NULL: a notification, which is not answered */
	json_t *params;
	size_t size;          /* bytes of its line */
	uint64_t received_us; /* CLOCK_MONOTONIC */
};

/* What the server asks of whoever takes its lines. */
struct taker rpc_taker(struct daemon *daemon);

/* Answer a request with `result`, which is taken over; NULL: no memory. */
void rpc_answer(struct client *client, const struct request *request, json_t *result);

/* Answer it with an error. */
void rpc_error(struct daemon *daemon, struct client *client, const struct request *request,
	       const struct error *error);

/* The same with an error that goes into the audit log if it was for a change. */
void rpc_refuse(struct daemon *daemon, struct client *client, const struct request *request,
		const struct error *error);
