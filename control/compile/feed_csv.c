/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV feeds: lines of prefix,country,asn, either of the latter possibly empty; # comments. */
#include "compile/feeds.h"

#include "compile/memory.h"
#include "policy/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CSV_LINE = 256,                             /* bytes in a line, and its end */
	CSV_BUFFER = 65536,                         /* stays in the nearest caches */
	CSV_WHERE = sizeof((struct error){0}.path), /* "extra.csv:12" */
};

enum { FIELD_PREFIX, FIELD_COUNTRY, FIELD_ASN, FIELDS };

/* Part of a line, blanks around it left out. */
struct field {
	char text[CSV_LINE];
};

static struct field field_from(const char *begin, const char *end)
{
	struct field field;

	while (begin < end && strchr(" \t\r", *begin))
		begin++;
	while (begin < end && strchr(" \t\r", end[-1]))
		end--;
	memcpy(field.text, begin, (size_t)(end - begin));
	field.text[end - begin] = '\0';
	return field;
}

/* Cut a line at its commas. How many fields, at most one more than there may be. */
static unsigned cut(const char *line, struct field field[FIELDS])
{
	const char *end = line + strcspn(line, "#");
	unsigned count = 0;

	for (;;) {
		const char *comma = memchr(line, ',', (size_t)(end - line));

		if (count < FIELDS)
			field[count] = field_from(line, comma ? comma : end);
		count++;
		if (!comma || count > FIELDS)
			return count;
		line = comma + 1;
	}
}

static int read_country(const char *text, char country[2])
{
	if (*text == '\0')
		return 0;
	if (!text_is_country(text))
		return -1;
	memcpy(country, text, 2);
	return 0;
}

/* AS 0 is what feeds write for a network that nobody announces (RFC 7607). */
static int read_asn(const char *text, uint32_t *asn)
{
	uint64_t number = 0;

	if (*text == '\0')
		return 0;
	if (strncmp(text, "AS", 2) == 0)
		text += 2;
	if (*text == '\0' || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
		return -1;
	for (; *text; text++)
		number = 10 * number + (uint64_t)(*text - '0');
	if (number > UINT32_MAX)
		return -1;
	*asn = (uint32_t)number;
	return 0;
}

int feed_csv_line(const char *line, const char *where, struct feed_prefix *prefix,
		  struct error *error)
{
	struct feed_prefix read = {0};
	struct field field[FIELDS];
	const char *why;
	unsigned fields;

	if (strlen(line) >= CSV_LINE)
		return error_set(error, ERROR_INVALID, where, "the line is too long");
	fields = cut(line, field);
	if (fields == 1 && *field[0].text == '\0')
		return 1;
	if (fields != FIELDS)
		return error_set(error, ERROR_INVALID, where, "not the fields prefix,country,asn");
	if (prefix_parse(field[FIELD_PREFIX].text, &read.prefix, &why) != 0)
		return error_set(error, ERROR_INVALID, where, "the prefix \"%s\" %s",
				 field[FIELD_PREFIX].text, why);
	if (read_country(field[FIELD_COUNTRY].text, read.country) != 0)
		return error_set(error, ERROR_INVALID, where,
				 "\"%s\" is not a country: two of A-Z and 0-9",
				 field[FIELD_COUNTRY].text);
	if (read_asn(field[FIELD_ASN].text, &read.asn) != 0)
		return error_set(error, ERROR_INVALID, where, "\"%s\" is not the number of an AS",
				 field[FIELD_ASN].text);
	if (!read.country[0] && !read.asn)
		return error_set(error, ERROR_INVALID, where, "neither a country nor an AS");
	*prefix = read;
	return 0;
}

int feed_csv_open(const char *folder, const char *name, struct error *error)
{
	int directory, file;
	struct stat status;

	if (!folder)
		return error_set(error, ERROR_DEGRADED, name, "there is no folder for feeds");
	if (*name == '\0' || *name == '.' || strchr(name, '/'))
		return error_set(error, ERROR_INVALID, name, "not a bare file name");
	directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_set(error, ERROR_DEGRADED, name, "its folder %s: %s", folder,
				 strerror(errno));
	file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		error_set(error, ERROR_DEGRADED, name, "in %s: %s", folder,
			  errno == ELOOP ? "is a link" : strerror(errno));
	close(directory);
	if (file < 0)
		return -1;
	if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
		return file;
	close(file);
	return error_set(error, ERROR_DEGRADED, name, "not a regular file");
}

/* A CSV file being read, a bufferful at a time; its nodes begin at `begin` of each forest. */
struct csv {
	int file;
	const char *name;
	struct feed_data *data;
	uint32_t begin[FAMILIES];
	uint32_t line;
	size_t size; /* bytes in `text` */
	struct error *error;
	char text[CSV_BUFFER + 2]; /* a newline after a last line that has none, and a byte more */
};

static void where_is(const struct csv *csv, uint32_t line, char where[CSV_WHERE])
{
	snprintf(where, CSV_WHERE, "%s:%u", csv->name, line);
}

/* 0; 1: blank or comment; -1 with csv's error. */
static int read_unusual(const struct csv *csv, const char *line, const char *end,
			struct feed_prefix *prefix)
{
	char text[CSV_LINE + 1], where[CSV_WHERE];
	size_t size = (size_t)(end - line);

	where_is(csv, csv->line, where);
	if (memchr(line, '\0', size))
		return error_set(csv->error, ERROR_INVALID, where, "the line holds a NUL byte");
	if (size > CSV_LINE)
		size = CSV_LINE;
	memcpy(text, line, size);
	text[size] = '\0';
	return feed_csv_line(text, where, prefix, csv->error);
}

static int read_line(struct csv *csv, const char *line, const char *end)
{
	struct feed_prefix prefix;
	struct forest *forest;
	int result = 0;

	csv->line++;
	if (!feed_line_usual(line, end, &prefix))
		result = read_unusual(csv, line, end, &prefix);
	if (result != 0)
		return result < 0 ? -1 : 0;
	if (feed_add(csv->data, &prefix, csv->name, csv->error) != 0) {
		where_is(csv, csv->line, csv->error->path);
		return -1;
	}
	forest = &csv->data->forest[prefix.prefix.ip6];
	forest->nodes[forest->count - 1].line = csv->line;
	return 0;
}

/* Read the whole lines in the buffer, and move what is left of the last to its beginning. */
static int read_buffer(struct csv *csv)
{
	const char *line = csv->text, *end = csv->text + csv->size;
	const char *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		if (read_line(csv, line, newline) != 0)
			return -1;
		line = newline + 1;
	}
	csv->size = (size_t)(end - line);
	memmove(csv->text, line, csv->size);
	return 0;
}

/* A line that fills the buffer is too long, and refused as if it ended there. */
static int read_last(struct csv *csv)
{
	if (csv->size == 0)
		return 0;
	csv->text[csv->size] = '\n';
	return read_line(csv, csv->text, csv->text + csv->size);
}

static int read_lines(struct csv *csv)
{
	for (;;) {
		ssize_t got = read(csv->file, csv->text + csv->size, CSV_BUFFER - csv->size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(csv->error, ERROR_DEGRADED, csv->name, "%s",
					 strerror(errno));
		if (got == 0)
			return read_last(csv);
		csv->size += (size_t)got;
		if (read_buffer(csv) != 0)
			return -1;
	}
}

/* The node of the first line whose prefix an earlier one has as well, or NULL. */
static const struct forest_node *find_repeated(const struct forest *forest, uint32_t begin)
{
	const struct forest_node *first = NULL;

	for (uint32_t i = begin + 1; i < forest->count; i++) {
		const struct forest_node *node = &forest->nodes[i];

		if (node[-1].first == node->first && node[-1].length == node->length &&
		    (!first || node->line < first->line))
			first = node;
	}
	return first;
}

static int refuse(const struct csv *csv, bool ip6, const struct forest_node *repeated)
{
	struct prefix prefix = {
		.address = {(uint64_t)(repeated->first >> 64), (uint64_t)repeated->first},
		.ip6 = ip6,
		.length = repeated->length,
	};
	char where[CSV_WHERE], text[PREFIX_TEXT];

	where_is(csv, repeated->line, where);
	prefix_print(&prefix, text);
	return error_set(csv->error, ERROR_INVALID, where, "%s is in the file already", text);
}

static int refuse_repeated(const struct csv *csv)
{
	const struct forest_node *repeated[FAMILIES];
	bool ip6;

	for (unsigned i = 0; i < FAMILIES; i++) {
		if (forest_sort(&csv->data->forest[i], csv->begin[i]) != 0)
			return no_memory(csv->error);
		repeated[i] = find_repeated(&csv->data->forest[i], csv->begin[i]);
	}
	if (!repeated[0] && !repeated[1])
		return 0;
	ip6 = !repeated[0] || (repeated[1] && repeated[1]->line < repeated[0]->line);
	return refuse(csv, ip6, repeated[ip6]);
}

int feed_csv(const char *folder, const char *name, struct feed_data *data, struct error *error)
{
	struct csv csv = {
		.name = name,
		.data = data,
		.begin = {data->forest[0].count, data->forest[1].count},
		.error = error,
	};
	int result;

	csv.file = feed_csv_open(folder, name, error);
	if (csv.file < 0)
		return -1;
	result = read_lines(&csv);
	close(csv.file);
	return result == 0 ? refuse_repeated(&csv) : -1;
}
