/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice set add, remove, replace, list. */
#include "change.h"
#include "set_entries.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

/* Send the prefixes or entries in `list`, which is taken over, to the set that is named first. */
static int send_list(const struct cli *cli, const char *method, const char *rest, const char *key,
		     json_t *list)
{
	json_t *change = json_array();
	int status = -1;

	if (list)
		status = change_add_list(change, method, rest,
					 json_pack("{s:s}", "set", cli->operands[0]), key, list);
	json_decref(list);
	if (status == 0)
		return change_send(cli, change, NULL);
	json_decref(change);
	return refuse("an operand is not UTF-8 text");
}

/* The prefixes that are to be sent. NULL once the error has been said: *status is the exit's. */
static json_t *prefixes_given(const struct cli *cli, int *status)
{
	*status = EXIT_REFUSED;
	if (cli->count > 1 || cli->option[OPTION_ENTRIES])
		return prefixes_named(cli, 1);
	*status = refuse_usage("set: neither a PREFIX nor --file is given");
	return NULL;
}

static int send_entries(const struct cli *cli, const char *method, json_t *prefixes)
{
	return send_list(cli, method, "set.add", "entries", entries_of(cli, prefixes));
}

int command_set_add(const struct cli *cli)
{
	int status;
	json_t *prefixes = prefixes_given(cli, &status);

	return prefixes ? send_entries(cli, "set.add", prefixes) : status;
}

int command_set_replace(const struct cli *cli)
{
	const char *file = cli->option[OPTION_ENTRIES];
	size_t operands = (size_t)cli->count - 1;
	int status;
	json_t *prefixes;

	if (cli->option[OPTION_EMPTY]) {
		if (operands > 0 || file)
			return refuse_usage("--empty and entries exclude each other");
		return send_entries(cli, "set.replace", json_array());
	}
	prefixes = prefixes_given(cli, &status);
	if (!prefixes)
		return status;
	if (file && json_array_size(prefixes) == operands) {
		json_decref(prefixes);
		return refuse("%s: holds no prefix; --empty is how to leave a set no entries",
			      file);
	}
	return send_entries(cli, "set.replace", prefixes);
}

int command_set_remove(const struct cli *cli)
{
	int status;
	json_t *prefixes = prefixes_given(cli, &status);

	if (!prefixes)
		return status;
	return send_list(cli, "set.remove", "set.remove", "prefixes", prefixes);
}

static int list_sets(const struct cli *cli)
{
	static const struct table_column columns[] = {
		{"SET", TABLE_WORD}, {"VERDICT", TABLE_WORD}, {"ENTRIES", TABLE_NUMBER}};
	json_t *answer = ask(cli, "set.list", json_object()), *set;
	struct libscols_table *table;
	size_t i;

	if (!answer)
		return EXIT_REFUSED;
	if (cli->option[OPTION_JSON])
		return print_answer(answer);
	table = table_new(columns, 3);
	json_array_foreach (json_object_get(answer, "sets"), i, set) {
		const char *name = "", *verdict = "";
		json_int_t entries = 0;
		char number[NUMBER_TEXT];

		json_unpack(set, "{s:s, s:s, s:I}", "name", &name, "verdict", &verdict, "entries",
			    &entries);
		number_print((uint64_t)entries, number);
		table_row(table, (const char *const[]){name, verdict, number});
	}
	table_print(table);
	json_decref(answer);
	return finish_output();
}

static void print_entries(const json_t *entries)
{
	static const struct table_column columns[] = {
		{"PREFIX", TABLE_WORD}, {"EXPIRES", TABLE_WORD}, {"REASON", TABLE_TEXT}};
	struct libscols_table *table = table_new(columns, 3);
	json_t *entry;
	size_t i;

	json_array_foreach (entries, i, entry) {
		const char *expires = "", *reason = "";

		if (json_is_object(entry))
			json_unpack(entry, "{s?s, s?s}", "expires", &expires, "reason", &reason);
		table_row(table, (const char *const[]){entry_prefix(entry), expires, reason});
	}
	table_print(table);
}

static int list_entries(const struct cli *cli, const char *name)
{
	struct error error;
	struct client *client = client_open(cli, &error);
	json_t *set = client ? set_read(client, name, &error) : NULL;

	client_close(client);
	if (!set)
		return refuse_error(NULL, &error);
	if (cli->option[OPTION_JSON])
		return print_answer(set);
	print_entries(json_object_get(set, "entries"));
	json_decref(set);
	return finish_output();
}

int command_set_list(const struct cli *cli)
{
	return cli->count == 0 ? list_sets(cli) : list_entries(cli, cli->operands[0]);
}
