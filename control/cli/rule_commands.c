/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice admit, limit. */
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int send_one(const struct cli *cli, const char *method, json_t *params)
{
	json_t *change = json_array();

	if (change_add(change, method, params) == 0)
		return change_send(cli, change, NULL);
	json_decref(change);
	return refuse("an operand is not UTF-8 text");
}

int command_admit(const struct cli *cli)
{
	return send_one(
		cli, "rule.admit",
		json_pack("{s:s, s:s}", "rule", cli->operands[0], "admit", cli->operands[1]));
}

/* A rate as the policy document writes it: a number, or text that ends in k, M or G. */
static json_t *rate_json(const char *text, size_t size)
{
	char digits[32], *end;
	unsigned long long number;

	if (size == 0 || size >= sizeof digits)
		return NULL;
	memcpy(digits, text, size);
	digits[size] = '\0';
	errno = 0;
	number = strtoull(digits, &end, 10);
	if (*end == '\0' && *digits >= '0' && *digits <= '9' && !errno && number <= INT64_MAX)
		return json_integer((json_int_t)number);
	return json_string(digits);
}

/* One part of a limit, of `size` bytes: 2000pps, 8Gbps or burst=4000. False: it is none. */
static bool limit_part(const char *text, size_t size, json_t *limit)
{
	static const char burst[] = "burst=";
	const size_t prefix = sizeof burst - 1, unit = 3;
	const char *name = NULL;
	json_t *rate = NULL;

	if (size > prefix && strncmp(text, burst, prefix) == 0) {
		name = "burst";
		rate = rate_json(text + prefix, size - prefix);
	} else if (size > unit) {
		if (strncmp(text + size - unit, "pps", unit) == 0)
			name = "pps";
		else if (strncmp(text + size - unit, "bps", unit) == 0)
			name = "bps";
		rate = name ? rate_json(text, size - unit) : NULL;
	}
	if (!rate || json_object_get(limit, name)) {
		json_decref(rate);
		return false;
	}
	return json_object_set_new(limit, name, rate) == 0;
}

/* "2000pps,burst=4000" as in the policy document. NULL: it is none. */
static json_t *limit_json(const char *text)
{
	json_t *limit = json_object();

	for (;;) {
		size_t size = strcspn(text, ",");

		if (!limit_part(text, size, limit)) {
			json_decref(limit);
			return NULL;
		}
		if (text[size] == '\0')
			return limit;
		text += size + 1;
	}
}

/* Put one level's limit, from its pair of options, into `limit`. The exit status. */
static int add_level(const struct cli *cli, const char *name, enum cli_option given,
		     enum cli_option none, json_t *limit)
{
	const char *text = cli->option[given];
	json_t *level;

	if (text && cli->option[none])
		return refuse_usage("--%s and --no-%s exclude each other", name, name);
	if (!text && !cli->option[none])
		return EXIT_DONE;
	level = text ? limit_json(text) : json_null();
	if (!level)
		return refuse_usage(
			"--%s: \"%s\" is not a limit such as 2000pps,burst=4000 or 8Gbps", name,
			text);
	return json_object_set_new(limit, name, level) < 0 ? refuse("out of memory") : EXIT_DONE;
}

int command_limit(const struct cli *cli)
{
	json_t *limit = json_object();
	int status = add_level(cli, "source", OPTION_SOURCE, OPTION_NO_SOURCE, limit);

	if (status == EXIT_DONE)
		status = add_level(cli, "rule", OPTION_RULE, OPTION_NO_RULE, limit);
	if (status == EXIT_DONE && json_object_size(limit) == 0)
		status = refuse_usage("limit: neither a --source nor a --rule limit is named");
	if (status == EXIT_DONE)
		return send_one(cli, "rule.limit",
				json_pack("{s:s, s:o}", "rule", cli->operands[0], "limit", limit));
	json_decref(limit);
	return status;
}
