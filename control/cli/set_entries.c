/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes on a command line and in files, and the sets that the daemon has. */
#include "set_entries.h"

#include "offline.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_ENTRIES = 10000 };

/* Without comment and white space around; in place. */
static char *line_text(char *line)
{
	char *end;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	end = line + strlen(line);
	while (end > line && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return line;
}

/* Append `text` if it is a prefix. The exit status, once the error has been said. */
static int append_prefix(json_t *prefixes, const char *text, const char *file, size_t line)
{
	struct prefix prefix;
	const char *why;

	if (prefix_parse(text, &prefix, &why) < 0)
		return file ? refuse("%s:%zu: \"%s\" %s", file, line, text, why)
			    : refuse("\"%s\" %s", text, why);
	return json_array_append_new(prefixes, json_string(text)) < 0 ? refuse("out of memory")
								      : EXIT_DONE;
}

static int append_file(json_t *prefixes, const char *file)
{
	struct error error;
	size_t size, number = 0;
	char *text = file_read(file, &size, &error), *rest = text, *line;
	int status = EXIT_DONE;

	if (!text)
		return refuse_error(file, &error);
	while (status == EXIT_DONE && (line = strsep(&rest, "\n"))) {
		number++;
		line = line_text(line);
		if (*line)
			status = append_prefix(prefixes, line, file, number);
	}
	free(text);
	return status;
}

json_t *prefixes_named(const struct cli *cli, int first)
{
	json_t *prefixes = json_array();
	int status = EXIT_DONE;

	for (int i = first; status == EXIT_DONE && i < cli->count; i++)
		status = append_prefix(prefixes, cli->operands[i], NULL, 0);
	if (status == EXIT_DONE && cli->option[OPTION_ENTRIES])
		status = append_file(prefixes, cli->option[OPTION_ENTRIES]);
	if (status == EXIT_DONE)
		return prefixes;
	json_decref(prefixes);
	return NULL;
}

json_t *entries_of(const struct cli *cli, json_t *prefixes)
{
	const char *ttl = cli->option[OPTION_TTL], *reason = cli->option[OPTION_REASON];
	json_t *entries, *prefix;
	size_t i;

	if (!ttl && !reason)
		return prefixes;
	entries = json_array();
	json_array_foreach (prefixes, i, prefix) {
		json_t *entry = json_pack("{s:O, s:s*, s:s*}", "prefix", prefix, "ttl", ttl,
					  "reason", reason);

		if (json_array_append_new(entries, entry) < 0) {
			json_decref(entries);
			entries = NULL;
			break;
		}
	}
	json_decref(prefixes);
	return entries;
}

const char *entry_prefix(const json_t *entry)
{
	const char *text =
		json_string_value(json_is_object(entry) ? json_object_get(entry, "prefix") : entry);

	return text ? text : "";
}

/* As many entries from `offset` on as a page holds. */
static json_t *read_page(struct client *client, const char *set, size_t offset, struct error *error)
{
	return client_ask(client, "set.list",
			  json_pack("{s:s, s:I, s:i}", "set", set, "offset", (json_int_t)offset,
				    "limit", PAGE_ENTRIES),
			  error);
}

json_t *set_read(struct client *client, const char *set, struct error *error)
{
	json_t *whole = read_page(client, set, 0, error);
	json_t *entries = json_object_get(whole, "entries");
	size_t last = json_array_size(entries);

	while (last == PAGE_ENTRIES) {
		json_t *page = read_page(client, set, json_array_size(entries), error);

		if (!page) {
			json_decref(whole);
			return NULL;
		}
		last = json_array_size(json_object_get(page, "entries"));
		json_array_extend(entries, json_object_get(page, "entries"));
		json_decref(page);
	}
	return whole;
}
