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

void rpc_refuse(struct daemon *daemon, struct client *client, const struct request *request,
		const struct error *error)
{
	struct audited audited = {
		.peer = &client->peer,
		.method = request->method->name,
		.params = request->params,
		.error = error,
	};

	if (request->method->change)
		audit_write(&daemon->audit, &audited, clock_utc_ns());
	if (request->id)
		send_error(daemon, client, request->id, rpc_code(error), error);
}

static enum taken not_request(struct daemon *daemon, struct client *client, json_t *id,
			      const char *path, const char *why)
{
	struct error error;

	error_set(&error, ERROR_INVALID, path, "%s", why);
	send_error(daemon, client, id, RPC_NOT_REQUEST, &error);
	return TAKEN;
}

static enum taken not_json(struct daemon *daemon, struct client *client, const char *line,
			   size_t size, const json_error_t *json_error)
{
	static const char params[] = "params.";
	size_t position = json_error->position > 0 ? (size_t)json_error->position : 0;
	bool twice = json_error_code(json_error) == json_error_duplicate_key;
	struct path path = locate(line, position < size ? position : size);
	const char *text = path.text;
	struct error error;

	if (strncmp(text, params, sizeof params - 1) == 0)
		text += sizeof params - 1;
	if (twice)
		error_set(&error, ERROR_INVALID, text, "is given twice");
	else
		error_set(&error, ERROR_INVALID, text, "not JSON: %s", json_error->text);
	send_error(daemon, client, NULL, twice ? RPC_NOT_REQUEST : RPC_NOT_JSON, &error);
	return TAKEN;
}

static enum taken take_read(struct daemon *daemon, struct client *client,
			    const struct request *request)
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
	return TAKEN;
}

/* A request whose envelope is good. */
static enum taken take_request(struct daemon *daemon, struct client *client,
			       const struct request *request)
{
	const struct method *method = request->method;
	struct error error;

	if (client->peer.role < method->role)
		error_set(&error, ERROR_DENIED, "", "%s needs the role %s, yours is %s",
			  method->name, role_word(method->role), role_word(client->peer.role));
	else if (method_check(method, request->params, &error) == 0)
		return method->change ? change_take(daemon, client, request)
				      : take_read(daemon, client, request);
	rpc_refuse(daemon, client, request, &error);
	return TAKEN;
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

static enum taken take_object(struct daemon *daemon, struct client *client, json_t *object)
{
	struct request request = {
		.id = json_object_get(object, "id"),
		.received_us = clock_us(),
	};
	const char *path, *why = bad_envelope(object, &path), *name;
	enum taken taken = TAKEN;
	struct error error;

	if (why)
		return not_request(daemon, client, is_id(request.id) ? request.id : NULL, path,
				   why);
	name = json_string_value(json_object_get(object, "method"));
	request.method = method_find(name);
	if (!request.method) {
		error_set(&error, ERROR_INVALID, "method", "there is no method %s", name);
		if (request.id)
			send_error(daemon, client, request.id, RPC_NO_METHOD, &error);
		return TAKEN;
	}
	request.params = json_incref(json_object_get(object, "params"));
	if (!request.params)
		request.params = json_object();
	if (request.params)
		taken = take_request(daemon, client, &request);
	json_decref(request.params);
	return taken;
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
	struct daemon *daemon = context;
	json_error_t json_error;
	enum taken taken;
	json_t *value;

	if (is_blank(line, size))
		return TAKEN;
	value = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
	if (!value)
		return not_json(daemon, client, line, size, &json_error);
	if (json_is_object(value))
		taken = take_object(daemon, client, value);
	else
		taken = not_request(daemon, client, NULL, "",
				    json_is_array(value)
					    ? "batches are not taken: one object a line"
					    : "must be an object");
	json_decref(value);
	return taken;
}

static void too_long(void *context, struct client *client)
{
	not_request(context, client, NULL, "", "longer than 1 MiB: send it in parts");
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
