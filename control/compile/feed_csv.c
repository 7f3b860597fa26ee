/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV feeds: lines of prefix,country,asn, either of the latter possibly empty; # comments. */
#include "compile/feeds.h"

#include "compile/memory.h"
#include "policy/order.h"
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

/* A CSV file being read. */
struct csv {
	FILE *file;
	const char *name;
	struct feed_data *data;
	size_t begin;    /* where its prefixes begin in data */
	uint32_t *lines; /* by prefix */
	size_t capacity; /* of lines */
	uint32_t line;
	struct error *error;
};

static void where_is(const struct csv *csv, uint32_t line, char where[CSV_WHERE])
{
	snprintf(where, CSV_WHERE, "%s:%u", csv->name, line);
}

static int note_line(struct csv *csv)
{
	size_t at = csv->data->count - csv->begin;
	size_t capacity = csv->capacity ? 2 * csv->capacity : 1024;
	uint32_t *lines;

	if (at == csv->capacity) {
		lines = reallocarray(csv->lines, capacity, sizeof *lines);
		if (!lines)
			return no_memory(csv->error);
		csv->lines = lines;
		csv->capacity = capacity;
	}
	csv->lines[at] = csv->line;
	return 0;
}

static int read_line(struct csv *csv, char *text, size_t size)
{
	struct feed_prefix prefix;
	char where[CSV_WHERE];
	int result;

	csv->line++;
	where_is(csv, csv->line, where);
	if (size && text[size - 1] == '\n')
		text[--size] = '\0';
	if (strlen(text) != size)
		return error_set(csv->error, ERROR_INVALID, where, "the line holds a NUL byte");
	result = feed_csv_line(text, where, &prefix, csv->error);
	if (result != 0)
		return result < 0 ? -1 : 0;
	if (note_line(csv) != 0)
		return -1;
	return feed_add(csv->data, &prefix, where, csv->error);
}

static int refuse_repeated(const struct csv *csv)
{
	size_t count = csv->data->count - csv->begin, repeated;
	const struct feed_prefix *first;
	char where[CSV_WHERE], text[PREFIX_TEXT];
	uint32_t *order;

	if (count == 0)
		return 0;
	first = csv->data->prefixes + csv->begin;
	order = calloc(count, sizeof *order);
	if (!order)
		return no_memory(csv->error);
	order_prefixes(&first->prefix, sizeof *first, count, order);
	repeated = order_repeated(&first->prefix, sizeof *first, count, order);
	free(order);
	if (repeated == SIZE_MAX)
		return 0;
	where_is(csv, csv->lines[repeated], where);
	prefix_print(&first[repeated].prefix, text);
	return error_set(csv->error, ERROR_INVALID, where, "%s is in the file already", text);
}

static int read_lines(struct csv *csv)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t size;
	int result = 0;

	while (result == 0 && (size = getline(&text, &room, csv->file)) >= 0)
		result = read_line(csv, text, (size_t)size);
	free(text);
	if (result != 0)
		return -1;
	if (!feof(csv->file))
		return error_set(csv->error, ERROR_DEGRADED, csv->name, "%s", strerror(errno));
	return refuse_repeated(csv);
}

int feed_csv(const char *folder, const char *name, struct feed_data *data, struct error *error)
{
	struct csv csv = {.name = name, .data = data, .begin = data->count, .error = error};
	int file = feed_csv_open(folder, name, error);
	int result;

	if (file < 0)
		return -1;
	csv.file = fdopen(file, "r");
	if (!csv.file) {
		close(file);
		return no_memory(error);
	}
	result = read_lines(&csv);
	fclose(csv.file);
	free(csv.lines);
	return result;
}
