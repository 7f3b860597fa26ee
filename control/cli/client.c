/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's end of the control socket. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Longer than the daemon takes to read the largest feeds anew. */
enum { ANSWER_WITHIN_S = 60 };

struct client {
	FILE *answers; /* owns the socket */
	char *line;
	size_t line_size;
	json_int_t id;
};

static int socket_connect(const char *folder, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval within = {.tv_sec = ANSWER_WITHIN_S};
	int size = snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
	int fd;

	if (size < 0 || (size_t)size >= sizeof address.sun_path)
		return error_set(error, ERROR_INVALID, "--run", "the folder's name is too long");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(error, ERROR_DEGRADED, "socket", "%s", strerror(errno));
	/* To send is also to wait for a daemon whose hands are full to take the connection. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &within, sizeof within) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &within, sizeof within) == 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	error_set(error, ERROR_DEGRADED, address.sun_path, "%s; is sluiced running?",
		  strerror(errno));
	close(fd);
	return -1;
}

/* The next message; a new reference, or NULL with *error. */
static json_t *client_read(struct client *client, struct error *error)
{
	json_error_t json_error;
	json_t *message;
	ssize_t size;

	errno = 0;
	size = getline(&client->line, &client->line_size, client->answers);
	if (size < 0) {
		error_set(error, ERROR_TIMEOUT, "",
			  errno == EAGAIN ? "the daemon did not answer in time"
					  : "the daemon closed the connection");
		return NULL;
	}
	message = json_loadb(client->line, (size_t)size, 0, &json_error);
	if (!json_is_object(message)) {
		error_set(error, ERROR_INVALID, "", "the daemon's answer is not JSON-RPC");
		json_decref(message);
		return NULL;
	}
	return message;
}

static enum error_code error_from_word(const char *word)
{
	for (int code = ERROR_NONE; code <= ERROR_DEGRADED; code++) {
		if (strcmp(error_word(code), word) == 0)
			return code;
	}
	return ERROR_INVALID;
}

/* Take over the daemon's error. */
static void error_from_json(const json_t *refusal, struct error *error)
{
	const char *message = "", *code = "", *path = "";

	json_unpack((json_t *)refusal, "{s:s, s?{s?s, s?s}}", "message", &message, "data", "code",
		    &code, "path", &path);
	error_set(error, error_from_word(code), path, "%s", *message ? message : "refused");
}

/* The greeting; a new reference, or NULL with *error: there may be no place for us. */
static json_t *read_greeting(struct client *client, struct error *error)
{
	json_t *greeting = client_read(client, error);
	json_t *refusal = json_object_get(greeting, "error");

	if (!refusal)
		return greeting;
	error_from_json(refusal, error);
	json_decref(greeting);
	return NULL;
}

struct client *client_open(const struct cli *cli, struct error *error)
{
	const char *folder = cli->option[OPTION_RUN] ? cli->option[OPTION_RUN] : RUN_FOLDER;
	struct client *client = calloc(1, sizeof *client);
	json_t *greeting = NULL;
	int fd;

	if (!client) {
		error_set(error, ERROR_CAPACITY, "", "out of memory");
		return NULL;
	}
	fd = socket_connect(folder, error);
	if (fd >= 0) {
		client->answers = fdopen(fd, "r");
		if (client->answers)
			greeting = read_greeting(client, error);
		else
			close(fd);
	}
	if (!greeting) {
		client_close(client);
		return NULL;
	}
	json_decref(greeting);
	return client;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->answers)
		fclose(client->answers);
	free(client->line);
	free(client);
}

/* Whatever could not be sent: the daemon says why in its answer, or closes. */
static void socket_send(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return;
		data += sent;
		size -= (size_t)sent;
	}
}

static int client_send(struct client *client, const char *method, json_t *params,
		       struct error *error)
{
	json_t *request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", ++client->id,
				    "method", method, "params", params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	if (!text)
		return error_set(error, ERROR_CAPACITY, "", "out of memory");
	socket_send(fileno(client->answers), text, strlen(text));
	socket_send(fileno(client->answers), "\n", 1);
	free(text);
	return 0;
}

json_t *client_ask(struct client *client, const char *method, json_t *params, struct error *error)
{
	json_t *message, *result = NULL;

	if (client_send(client, method, params, error) < 0)
		return NULL;
	for (;;) {
		message = client_read(client, error);
		if (!message || !json_object_get(message, "method"))
			break;
		json_decref(message); /* a notification */
	}
	if (!message)
		return NULL;
	result = json_incref(json_object_get(message, "result"));
	if (!result)
		error_from_json(json_object_get(message, "error"), error);
	json_decref(message);
	return result;
}

json_t *ask(const struct cli *cli, const char *method, json_t *params)
{
	struct error error;
	struct client *client = client_open(cli, &error);
	json_t *answer = NULL;

	if (client)
		answer = client_ask(client, method, params, &error);
	else
		json_decref(params);
	client_close(client);
	if (!answer)
		refuse_error(NULL, &error);
	return answer;
}

int print_answer(json_t *answer)
{
	json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(answer);
	return finish_output();
}
