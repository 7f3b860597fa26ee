/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice explain: what would happen to a packet, and why. */
#include "client.h"
#include "explain/explain.h"
#include "offline.h"

#include "reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* SOURCE and DESTINATION[:PORT[/PROTOCOL]], taken apart. */
struct question {
	const char *source, *destination, *protocol;
	int port; /* EXPLAIN_NO_PORT: not given */
};

/* Cut "/PROTOCOL" and ":PORT" off `text`, which keeps the address. False: it makes no sense. */
static bool question_parse(char *text, struct question *question)
{
	char *address_end = *text == '[' ? strchr(text, ']') : NULL;
	char *slash = strrchr(text, '/'), *colon = strchr(text, ':'), *end;

	if (slash) {
		*slash = '\0';
		question->protocol = slash + 1;
	}
	if (*text == '[') {
		if (!address_end || (address_end[1] != ':' && address_end[1] != '\0'))
			return false;
		colon = address_end[1] ? address_end + 1 : NULL;
		*address_end = '\0';
		text++;
	} else if (colon && strchr(colon + 1, ':')) {
		colon = NULL; /* an IPv6 address and no port */
	}
	question->destination = text;
	if (!colon)
		return true;
	*colon = '\0';
	if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5)
		return false;
	question->port = (int)strtol(colon + 1, &end, 10);
	return end != colon + 1;
}

static json_t *ask_here(const struct cli *cli, const struct question *question)
{
	struct offline offline;
	struct packet packet;
	struct error error;
	struct timespec now;
	json_t *answer;

	if (explain_packet(question->source, question->destination, question->port,
			   question->protocol, &packet, &error) < 0) {
		refuse_error(NULL, &error);
		return NULL;
	}
	if (offline_open(cli, cli->option[OPTION_POLICY], true, &offline) != EXIT_DONE)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	answer = explain(&offline.image, &packet,
			 (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	offline_close(&offline);
	if (!answer)
		refuse("out of memory");
	return answer;
}

static json_t *ask_daemon(const struct cli *cli, const struct question *question)
{
	json_t *params = json_pack("{s:s, s:s, s:s}", "source", question->source, "destination",
				   question->destination, "protocol", question->protocol);

	if (question->port != EXPLAIN_NO_PORT)
		json_object_set_new(params, "port", json_integer(question->port));
	return ask(cli, "explain", params);
}

static const char *reason_meaning(const char *word)
{
#define X(symbol, reason, meaning)                                                                 \
	if (strcmp(word, reason) == 0)                                                             \
		return meaning;
	REASONS(X)
#undef X
	return "";
}

/* A member as text, "-" where it is null. */
static const char *member(const json_t *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer, name));

	return text ? text : "-";
}

static int print_explanation(json_t *answer)
{
	const char *reason = member(answer, "reason");
	const json_t *threshold = json_object_get(answer, "threshold");

	printf("origin   %s\n", member(answer, "origin"));
	printf("service  %s\n", member(answer, "service"));
	printf("rule     %s\n", member(answer, "rule"));
	if (json_is_integer(threshold))
		printf("admits   %s of sources: a hash below %" JSON_INTEGER_FORMAT
		       "; this source's is %" JSON_INTEGER_FORMAT "\n",
		       member(answer, "admit"), json_integer_value(threshold),
		       json_integer_value(json_object_get(answer, "hash")));
	printf("verdict  %s\n", member(answer, "verdict"));
	printf("reason   %s: %s\n", reason, reason_meaning(reason));
	json_decref(answer);
	return finish_output();
}

int command_explain(const struct cli *cli)
{
	struct question question = {
		.source = cli->operands[0], .protocol = "tcp", .port = EXPLAIN_NO_PORT};
	json_t *answer;

	if (!question_parse(cli->operands[1], &question))
		return refuse_usage("the destination is none: ADDRESS, ADDRESS:PORT or "
				    "[ADDRESS]:PORT/PROTOCOL");
	answer = cli->option[OPTION_POLICY] ? ask_here(cli, &question) : ask_daemon(cli, &question);
	if (!answer)
		return EXIT_REFUSED;
	return cli->option[OPTION_JSON] ? print_answer(answer) : print_explanation(answer);
}
