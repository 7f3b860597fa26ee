/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice policy show, check, apply. */
#include "change.h"
#include "offline.h"

#include <stdio.h>
#include <string.h>

int command_policy_show(const struct cli *cli)
{
	json_t *answer = ask(cli, "policy.get", json_object());

	if (!answer)
		return EXIT_REFUSED;
	if (cli->option[OPTION_JSON])
		return print_answer(answer);
	json_dumpf(json_object_get(answer, "policy"), stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
	return finish_output();
}

/* What policy.check answers, found here. */
static json_t *sizes(const struct offline *offline)
{
	size_t bytes = 0;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		bytes += offline->compiled.segment[kind]->size;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rules",
			 (json_int_t)offline->image.rule_count, "services",
			 (json_int_t)offline->image.service_count, "sets",
			 (json_int_t)offline->policy->set_count, "entries",
			 (json_int_t)policy_entries(offline->policy), "origins",
			 (json_int_t)offline->image.origin_count, "bytes", (json_int_t)bytes);
}

static int print_sizes(json_t *found)
{
	const char *name;
	json_t *number;

	json_object_foreach (found, name, number)
		printf("%-9s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(number));
	json_decref(found);
	return finish_output();
}

int command_policy_check(const struct cli *cli)
{
	struct offline offline;
	json_t *found;
	int status = offline_open(cli, cli->operands[0], false, &offline);

	if (status != EXIT_DONE)
		return status;
	found = sizes(&offline);
	offline_close(&offline);
	if (!found)
		return refuse("out of memory");
	return cli->option[OPTION_JSON] ? print_answer(found) : print_sizes(found);
}

/* Take every set's entries out of `document` and add them in parts after it. */
static int split_sets(json_t *document, json_t *change)
{
	json_t *sets = json_object_get(document, "sets"), *set;
	const char *name;

	if (change_add(change, "policy.apply", json_pack("{s:O}", "policy", document)) < 0)
		return -1;
	json_object_foreach (sets, name, set) {
		json_t *entries = json_incref(json_object_get(set, "entries"));
		int status = json_object_set_new(set, "entries", json_array());

		if (status == 0 && json_array_size(entries) > 0)
			status = change_add_list(change, "set.add", "set.add",
						 json_pack("{s:s}", "set", name), "entries",
						 entries);
		json_decref(entries);
		if (status < 0)
			return -1;
	}
	return 0;
}

static json_t *apply_change(json_t *document)
{
	json_t *change = json_array();
	int status;

	if (json_dumpb(document, NULL, 0, JSON_COMPACT) <= CHANGE_PART_BYTES)
		status = change_add(change, "policy.apply", json_pack("{s:O}", "policy", document));
	else
		status = split_sets(document, change);
	if (status == 0)
		return change;
	json_decref(change);
	return NULL;
}

int command_policy_apply(const struct cli *cli)
{
	const char *file = cli->operands[0];
	struct offline offline;
	json_t *change;
	int status = offline_parse(file, &offline);

	if (status != EXIT_DONE)
		return status;
	change = apply_change(offline.document);
	offline_close(&offline);
	return change ? change_send(cli, change, file) : refuse("out of memory");
}
