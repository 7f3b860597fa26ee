/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice block, unblock: the set `blocked`, which is what operators block by hand. */
#include "change.h"
#include "set_entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKED "blocked"

int command_block(const struct cli *cli)
{
	json_t *prefixes = prefixes_named(cli, 0), *entries, *change;
	int status = -ENOMEM;

	if (!prefixes)
		return EXIT_REFUSED;
	entries = entries_of(cli, prefixes);
	change = json_array();
	if (entries)
		status =
			change_add_list(change, "set.add", "set.add",
					json_pack("{s:s, s:s}", "set", BLOCKED, "verdict", "block"),
					"entries", entries);
	json_decref(entries);
	if (status == 0)
		return change_send(cli, change, NULL);
	json_decref(change);
	return refuse("an operand is not UTF-8 text");
}

static bool prefix_covers(const struct prefix *wide, const struct prefix *narrow)
{
	return wide->ip6 == narrow->ip6 && wide->length <= narrow->length &&
	       prefix_holds(wide, narrow->ip6, narrow->address);
}

/* Say which entries of `set` still block any of `prefixes`. */
static void say_entries(const json_t *set, const char *name, const struct prefix *prefixes,
			size_t count)
{
	json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(set, "entries"), i, entry) {
		struct prefix prefix;
		const char *why;

		if (prefix_parse(entry_prefix(entry), &prefix, &why) < 0)
			continue;
		for (size_t j = 0; j < count; j++) {
			char text[PREFIX_TEXT];

			if (!prefix_covers(&prefix, &prefixes[j]))
				continue;
			prefix_print(&prefixes[j], text);
			refuse("%s is still blocked by %s in the set %s", text, entry_prefix(entry),
			       name);
		}
	}
}

/* Say which block sets hold any of `prefixes`. 0, or -1 with *error. */
static int say_sets(struct client *client, const struct prefix *prefixes, size_t count,
		    struct error *error)
{
	json_t *list = client_ask(client, "set.list", json_object(), error), *found;
	size_t i;
	int status = list ? 0 : -1;

	json_array_foreach (json_object_get(list, "sets"), i, found) {
		const char *name = "", *verdict = "";
		json_t *set;

		json_unpack(found, "{s:s, s:s}", "name", &name, "verdict", &verdict);
		if (strcmp(verdict, "block") != 0)
			continue;
		set = set_read(client, name, error);
		if (!set) {
			status = -1;
			break;
		}
		say_entries(set, name, prefixes, count);
		json_decref(set);
	}
	json_decref(list);
	return status;
}

/* `missing` of the prefixes were not in BLOCKED: say so, and what else blocks them. */
static int say_missing(const struct cli *cli, const json_t *prefixes, size_t missing)
{
	size_t count = json_array_size(prefixes), i;
	struct prefix *parsed = calloc(count, sizeof *parsed);
	struct error error;
	struct client *client;
	json_t *text;
	const char *why;
	int status = -1;

	if (!parsed)
		return refuse("out of memory");
	json_array_foreach (prefixes, i, text)
		prefix_parse(json_string_value(text), &parsed[i], &why);
	if (count == 1)
		refuse("%s is not in the set " BLOCKED,
		       json_string_value(json_array_get(prefixes, 0)));
	else
		refuse("%zu of %zu prefixes are not in the set " BLOCKED, missing, count);
	client = client_open(cli, &error);
	if (client)
		status = say_sets(client, parsed, count, &error);
	client_close(client);
	free(parsed);
	return status < 0 ? refuse_error(NULL, &error) : EXIT_REFUSED;
}

/* Take `prefixes` out of BLOCKED. */
static int unblock(const struct cli *cli, const json_t *prefixes)
{
	json_t *change = json_array(), *answer = NULL;
	size_t count = json_array_size(prefixes), changed;
	struct error error;
	int status = EXIT_DONE;

	if (change_add_list(change, "set.remove", "set.remove", json_pack("{s:s}", "set", BLOCKED),
			    "prefixes", prefixes) == 0)
		answer = change_commit(cli, change, &error);
	else
		error_set(&error, ERROR_CAPACITY, "", "out of memory");
	json_decref(change);
	if (!answer && strcmp(error.path, "set") == 0)
		return say_missing(cli, prefixes, count); /* nobody has blocked anything yet */
	if (!answer)
		return refuse_error(NULL, &error);
	changed = (size_t)json_integer_value(json_object_get(answer, "changed"));
	status = change_print(cli, answer);
	return changed < count ? say_missing(cli, prefixes, count - changed) : status;
}

int command_unblock(const struct cli *cli)
{
	json_t *prefixes = prefixes_named(cli, 0);
	int status;

	if (!prefixes)
		return EXIT_REFUSED;
	status = unblock(cli, prefixes);
	json_decref(prefixes);
	return status;
}
