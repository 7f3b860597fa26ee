/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON-RPC envelope. See rpc.h. */
#include "daemon/rpc.h"

#include "daemon/clock.h"
#include "daemon/methods.h"

#include "policy/locate.h"

#include <string.h>

enum {
	RPC_NOT_JSON = -32700,
	RPC_NOT_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_BAD_PARAMS = -32602,
	RPC_REFUSED = -32000,
};

void rpc_answer(struct client *client, const struct request *request, json_t *result)
{
	if (!request->id) {
		json_decref(result);
		return;
	}
	server_send(client, json_pack("{ss, sO, so}", "jsonrpc", "2.0", "id", request->id, "result",
				      result));
}

/* id NULL: nobody knows whose answer it is. */
static void send_error(struct daemon *daemon, struct client *client, json_t *id, int code,
		       const struct error *error)
{
	json_int_t generation = (json_int_t)daemon->publisher.active.generation;

	server_send(client, json_pack("{ss, sO?, s{si, ss, s{ss, ss, sI}}}", "jsonrpc", "2.0", "id",
				      id, "error", "code", code, "message", error->message, "data",
				      "code", error_word(error->code), "path", error->path,
				      "generation", generation));
}

static int rpc_code(const struct error *error)
{
	return error->code == ERROR_INVALID || error->code == ERROR_UNKNOWN_FIELD ? RPC_BAD_PARAMS
										  : RPC_REFUSED;
}

void rpc_error(struct daemon *daemon, struct client *client, const struct request *request,
	       const struct error *error)
{
	if (request->id)
		send_error(daemon, client, request->id, rpc_code(error), error);
}

void rpc_refuse(struct daemon *daemon, struct client *client, const struct request *request,
		const struct error *error)
{
	struct audited audited = {
		.peer = &client->peer,
		.method = request->method->name,
		.params = request->params,
		.error = error,
	};

	if (request->method->changes)
		audit_write(&daemon->audit, &audited, clock_utc_ns());
	rpc_error(daemon, client, request, error);
}

/* A line as it was understood. */
struct reading {
	struct request
		request; /* borrows from the line's JSON; without a method: none to speak of */
	int code;        /* what is wrong with it; 0: nothing */
	struct error error;
};

static void not_request(struct reading *reading, const char *path, const char *why)
{
	error_set(&reading->error, ERROR_INVALID, path, "%s", why);
	reading->code = RPC_NOT_REQUEST;
}

static void not_json(const char *line, size_t size, const json_error_t *json_error,
		     struct reading *reading)
{
	static const char params[] = "params.";
	size_t position = json_error->position > 0 ? (size_t)json_error->position : 0;
	bool twice = json_error_code(json_error) == json_error_duplicate_key;
	struct path path = locate(line, position < size ? position : size);
	const char *text = path.text;

	if (strncmp(text, params, sizeof params - 1) == 0)
		text += sizeof params - 1;
	if (twice)
		error_set(&reading->error, ERROR_INVALID, text, "is given twice");
	else
		error_set(&reading->error, ERROR_INVALID, text, "not JSON: %s", json_error->text);
	reading->code = twice ? RPC_NOT_REQUEST : RPC_NOT_JSON;
}

static bool is_id(const json_t *id)
{
	return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

static const char *bad_envelope(json_t *object, const char **path)
{
	const char *name, *version = json_string_value(json_object_get(object, "jsonrpc"));
	json_t *value, *id = json_object_get(object, "id");

	json_object_foreach (object, name, value) {
		if (strcmp(name, "jsonrpc") != 0 && strcmp(name, "id") != 0 &&
		    strcmp(name, "method") != 0 && strcmp(name, "params") != 0) {
			*path = name;
			return "is no part of a request";
		}
	}
	*path = "jsonrpc";
	if (!version || strcmp(version, "2.0") != 0)
		return "must be \"2.0\"";
	*path = "id";
	if (id && !is_id(id))
		return "must be a string or a number";
	*path = "method";
	if (!json_is_string(json_object_get(object, "method")))
		return "must be a string";
	*path = "params";
	value = json_object_get(object, "params");
	if (value && !json_is_object(value))
		return "must be an object: parameters go by name";
	return NULL;
}

static void take_read(struct daemon *daemon, struct client *client, const struct request *request)
{
	struct error error = {0};
	struct call call = {
		.daemon = daemon,
		.peer = &client->peer,
		.params = request->params,
		.now_ns = clock_utc_ns(),
		.answer = json_object(),
		.error = &error,
	};

	if (request->method->handler(&call)) {
		json_decref(call.answer);
		rpc_refuse(daemon, client, request, &error);
	} else {
		rpc_answer(client, request, call.answer);
	}
}

/* Whether the client may ask this, and asks it as the method wants. */
static int check_request(const struct client *client, const struct request *request,
			 struct error *error)
{
	const struct method *method = request->method;

	if (client->peer.role < method->role)
		return error_set(error, ERROR_DENIED, "", "%s needs the role %s, yours is %s",
				 method->name, role_word(method->role),
				 role_word(client->peer.role));
	return method_check(method, request->params, error);
}

static void read_object(const struct client *client, json_t *object, struct reading *reading)
{
	struct request *request = &reading->request;
	const char *path, *why = bad_envelope(object, &path), *name;
	json_t *id = json_object_get(object, "id");

	request->id = is_id(id) ? id : NULL;
	if (why) {
		not_request(reading, path, why);
		return;
	}
	name = json_string_value(json_object_get(object, "method"));
	request->method = method_find(name);
	request->params = json_incref(json_object_get(object, "params"));
	if (!request->params)
		request->params = json_object();
	if (!request->method) {
		error_set(&reading->error, ERROR_INVALID, "method", "there is no method %s", name);
		reading->code = RPC_NO_METHOD;
	} else if (check_request(client, request, &reading->error)) {
		reading->code = rpc_code(&reading->error);
	}
}

static void read_value(const struct client *client, json_t *value, struct reading *reading)
{
	if (json_is_object(value))
		read_object(client, value, reading);
	else
		not_request(reading, "",
			    json_is_array(value) ? "batches are not taken: one object a line"
						 : "must be an object");
}

/* Say what is wrong with it: a request's own notification is not answered. */
static void refuse(struct daemon *daemon, struct client *client, const struct reading *reading)
{
	const struct request *request = &reading->request;

	if (request->method)
		rpc_refuse(daemon, client, request, &reading->error);
	else if (request->id || reading->code != RPC_NO_METHOD)
		send_error(daemon, client, request->id, reading->code, &reading->error);
}

static enum taken take(struct daemon *daemon, struct client *client, const struct reading *reading)
{
	const struct request *request = &reading->request;
	bool changes = reading->code == 0 && request->method->changes;
	bool reads = reading->code == 0 && !changes;

	/* It would be answered at once, before what was asked first. */
	if (!changes && client->due > 0)
		return TAKEN_LATER;
	change_hurry(daemon, reads);
	if (changes)
		return change_take(daemon, client, request);
	if (reads)
		take_read(daemon, client, request);
	else
		refuse(daemon, client, reading);
	return TAKEN;
}

static bool is_blank(const char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!memchr(" \t\r", line[i], 3))
			return false;
	}
	return true;
}

static enum taken take_line(void *context, struct client *client, const char *line, size_t size)
{
	struct reading reading = {.request = {.size = size, .received_us = clock_us()}};
	json_error_t json_error;
	enum taken taken;
	json_t *value;

	if (is_blank(line, size))
		return TAKEN;
	value = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
	if (value)
		read_value(client, value, &reading);
	else
		not_json(line, size, &json_error, &reading);
	taken = take(context, client, &reading);
	json_decref(reading.request.params);
	json_decref(value);
	return taken;
}

static void too_long(void *context, struct client *client)
{
	struct error error;

	error_set(&error, ERROR_INVALID, "", "longer than 1 MiB: send it in parts");
	send_error(context, client, NULL, RPC_NOT_REQUEST, &error);
}

static void greet(void *context, struct client *client)
{
	struct daemon *daemon = context;
	json_int_t generation = (json_int_t)daemon->publisher.active.generation;

	server_send(client, json_pack("{ss, ss, s{ss, sI, ss}}", "jsonrpc", "2.0", "method",
				      "greeting", "params", "version", SLUICE_VERSION, "generation",
				      generation, "role", role_word(client->peer.role)));
}

static void gone(void *context, struct client *client)
{
	change_forget(context, client);
}

struct taker rpc_taker(struct daemon *daemon)
{
	return (struct taker){
		.came = greet,
		.take = take_line,
		.too_long = too_long,
		.gone = gone,
		.context = daemon,
	};
}
