/* SPDX-License-Identifier: BSD-3-Clause */
/* A change: one or more requests that become one generation. */
#include "change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGE_TRIES = 5 };

int change_add(json_t *change, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:o}", "method", method, "params", params);

	return json_array_append_new(change, request) < 0 ? -ENOMEM : 0;
}

/* As many elements from *next on as fit into a part; a new reference. */
static json_t *list_part(const json_t *list, size_t *next)
{
	json_t *part = json_array();
	size_t bytes = 0;

	while (part && *next < json_array_size(list)) {
		json_t *element = json_array_get(list, *next);

		bytes += json_dumpb(element, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) + 1;
		if (bytes > CHANGE_PART_BYTES && json_array_size(part) > 0)
			break;
		if (json_array_append(part, element) < 0) {
			json_decref(part);
			return NULL;
		}
		++*next;
	}
	return part;
}

int change_add_list(json_t *change, const char *method, const char *rest, json_t *params,
		    const char *key, const json_t *list)
{
	size_t next = 0;
	int status;

	do {
		json_t *part = json_copy(params);

		status = json_object_set_new(part, key, list_part(list, &next)) < 0
				 ? -ENOMEM
				 : change_add(change, method, json_incref(part));
		json_decref(part);
		method = rest;
	} while (status == 0 && next < json_array_size(list));
	json_decref(params);
	return status;
}

/* What any change takes, from the command line. 0, or -1 with *error. */
static int add_common(const struct cli *cli, json_t *params, bool more, struct error *error)
{
	const char *reason = cli->option[OPTION_REASON];
	const char *generation = cli->option[OPTION_IF_GENERATION];
	int status = 0;

	if (reason)
		status |= json_object_set_new(params, "reason", json_string(reason));
	if (generation) {
		char *end;
		uint64_t number;

		errno = 0;
		number = strtoull(generation, &end, 10);
		if (*generation < '0' || *generation > '9' || *end || errno || number > INT64_MAX)
			return error_set(error, ERROR_INVALID, "--if-generation",
					 "\"%s\" is not a number", generation);
		status |= json_object_set_new(params, "if_generation",
					      json_integer((json_int_t)number));
	}
	if (more)
		status |= json_object_set_new(params, "more", json_true());
	return status ? error_set(error, ERROR_INVALID, "--reason", "is not UTF-8 text") : 0;
}

static json_t *send_parts(const struct cli *cli, struct client *client, const json_t *change,
			  struct error *error)
{
	json_t *answer = NULL, *request;
	size_t i, count = json_array_size(change);

	json_array_foreach (change, i, request) {
		json_t *params = json_object_get(request, "params");

		json_decref(answer);
		if (add_common(cli, params, i + 1 < count, error) < 0)
			return NULL;
		answer = client_ask(client, json_string_value(json_object_get(request, "method")),
				    json_incref(params), error);
		if (!answer)
			return NULL;
	}
	return answer;
}

/* Whether the parts, all welcome, only lost to a change that came between them. */
static bool lost_race(const struct cli *cli, const json_t *change, const struct error *error)
{
	return error->code == ERROR_CONFLICT && json_array_size(change) > 1 &&
	       !cli->option[OPTION_IF_GENERATION];
}

/* Parts that were sent stay with their connection, so every try has one of its own. */
json_t *change_commit(const struct cli *cli, const json_t *change, struct error *error)
{
	json_t *answer = NULL;
	int tries = 0;

	do {
		struct client *client = client_open(cli, error);

		if (!client)
			return NULL;
		answer = send_parts(cli, client, change, error);
		client_close(client);
	} while (!answer && lost_race(cli, change, error) && ++tries < CHANGE_TRIES);
	return answer;
}

/* Who decides by the new generation. */
static void print_enforced(json_int_t workers, bool twin, json_int_t took_us)
{
	if (workers == 0 && !twin) {
		printf("no data plane is running; it will start with this");
		return;
	}
	if (workers > 0)
		printf("%" JSON_INTEGER_FORMAT " worker%s", workers, workers == 1 ? "" : "s");
	printf("%s, enforced in %" JSON_INTEGER_FORMAT " us",
	       !twin         ? ""
	       : workers > 0 ? " and the twin"
			     : "the twin",
	       took_us);
}

static int print_words(json_t *answer)
{
	json_int_t generation = 0, workers = 0, took_us = 0, changed = -1, kept = 0;

	json_unpack(answer, "{s:I, s:I, s:I, s?I, s?{s?I}}", "generation", &generation, "workers",
		    &workers, "took_us", &took_us, "changed", &changed, "kept", "blocked", &kept);
	printf("generation %" JSON_INTEGER_FORMAT ", ", generation);
	print_enforced(workers, json_is_true(json_object_get(answer, "twin")), took_us);
	if (changed >= 0)
		printf(", %" JSON_INTEGER_FORMAT " entr%s changed", changed,
		       changed == 1 ? "y" : "ies");
	putchar('\n');
	if (kept > 0)
		printf("kept the set blocked, which the document does not name: "
		       "%" JSON_INTEGER_FORMAT " entr%s\n",
		       kept, kept == 1 ? "y" : "ies");
	json_decref(answer);
	return finish_output();
}

int change_print(const struct cli *cli, json_t *answer)
{
	return cli->option[OPTION_JSON] ? print_answer(answer) : print_words(answer);
}

/* Whether the error is in the policy that was sent; its path is then the document's own. */
static bool error_in_policy(struct error *error)
{
	static const char parameter[] = "policy.";
	size_t size = strlen(parameter);

	if (strncmp(error->path, parameter, size) != 0)
		return false;
	memmove(error->path, error->path + size, strlen(error->path) - size + 1);
	return true;
}

int change_send(const struct cli *cli, json_t *change, const char *file)
{
	struct error error;
	json_t *answer = change_commit(cli, change, &error);

	json_decref(change);
	if (answer)
		return change_print(cli, answer);
	return refuse_error(error_in_policy(&error) ? file : NULL, &error);
}
