/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies read and compiled here, for the commands that need no daemon. */
#include "offline.h"

#include "policy/grow.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read all of `stream` into one allocation. NULL with errno. */
static char *stream_read(FILE *stream, size_t *size)
{
	size_t used = 0, room = 0;
	char *text = NULL;

	do {
		char *larger = grow(text, &room, used + 64 * 1024, 1);

		if (!larger) {
			free(text);
			return NULL;
		}
		text = larger;
		used += fread(text + used, 1, room - used, stream);
	} while (used == room);
	if (ferror(stream)) {
		free(text);
		return NULL;
	}
	text[used] = '\0';
	*size = used;
	return text;
}

char *file_read(const char *file, size_t *size, struct error *error)
{
	FILE *stream = fopen(file, "re");
	char *text = stream ? stream_read(stream, size) : NULL;

	if (!text)
		error_set(error, ERROR_INVALID, "", "%s", strerror(errno));
	if (stream)
		fclose(stream);
	return text;
}

static int parse(const char *file, struct offline *offline, struct error *error)
{
	size_t size;
	char *text = file_read(file, &size, error);
	int status;

	if (!text)
		return -1;
	status = policy_parse(text, size, 0, &offline->policy, error);
	if (status == 0) {
		offline->document = json_loadb(text, size, 0, NULL);
		if (!offline->document)
			status = error_set(error, ERROR_CAPACITY, "", "out of memory");
	}
	free(text);
	return status;
}

int offline_parse(const char *file, struct offline *offline)
{
	struct error error;

	*offline = (struct offline){.policy = NULL};
	if (parse(file, offline, &error) == 0)
		return EXIT_DONE;
	offline_close(offline);
	return refuse_error(file, &error);
}

static int offline_compile(const struct cli *cli, const char *file, struct offline *offline,
			   struct error *error)
{
	char *copy = strdup(file);
	struct feed_paths paths = {.libloc = cli->option[OPTION_LIBLOC]};
	int status;

	if (!copy)
		return error_set(error, ERROR_CAPACITY, "", "out of memory");
	paths.folder = dirname(copy);
	status = compile(offline->policy, &paths, NULL, &offline->compiled, error);
	if (status == 0)
		status = compiled_open(&offline->compiled, &offline->image, error);
	free(copy);
	return status;
}

int offline_open(const struct cli *cli, const char *file, bool salted, struct offline *offline)
{
	struct error error;
	int status = offline_parse(file, offline);

	if (status != EXIT_DONE)
		return status;
	if (!offline->policy->has_salt) {
		offline->policy->has_salt = true;
		if (salted)
			fprintf(stderr, "sluice: %s: no salt: taken as all zeros\n", file);
	}
	if (offline_compile(cli, file, offline, &error) == 0)
		return EXIT_DONE;
	offline_close(offline);
	return refuse_error(file, &error);
}

void offline_close(struct offline *offline)
{
	policy_free(offline->policy);
	compiled_unref(&offline->compiled);
	json_decref(offline->document);
}
