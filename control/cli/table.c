/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables, by libsmartcols. */
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool table_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

bool table_coloured(void)
{
	const char *no_color = getenv("NO_COLOR");

	return table_terminal() && !(no_color && *no_color);
}

static const int flags_of_kind[] = {
	[TABLE_NUMBER] = SCOLS_FL_RIGHT,
	[TABLE_WORD] = 0,
	[TABLE_TEXT] = SCOLS_FL_TRUNC,
};

static int add_columns(struct libscols_table *table, const struct table_column *columns,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int flags = flags_of_kind[columns[i].kind];
		struct libscols_column *column =
			scols_table_new_column(table, columns[i].heading, 0, flags);

		if (!column || scols_cell_set_color(scols_column_get_header(column), "bold") != 0)
			return -ENOMEM;
	}
	return 0;
}

struct libscols_table *table_new(const struct table_column *columns, size_t count)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return NULL;
	scols_table_enable_colors(table, table_coloured());
	scols_table_enable_raw(table, !table_terminal());
	if (add_columns(table, columns, count) == 0)
		return table;
	scols_unref_table(table);
	return NULL;
}

int table_row(struct libscols_table *table, const char *const cells[])
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < scols_table_get_ncols(table); i++) {
		if (scols_line_set_data(line, i, cells[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

void table_print(struct libscols_table *table)
{
	if (!table)
		return;
	scols_print_table(table);
	scols_unref_table(table);
}

void number_print(uint64_t number, char text[NUMBER_TEXT])
{
	static const char units[] = " kMGTPE";
	double scaled = (double)number;
	unsigned unit = 0;

	if (number < 10000 || !table_terminal()) {
		snprintf(text, NUMBER_TEXT, "%" PRIu64, number);
		return;
	}
	while (scaled >= 999.5) {
		scaled /= 1000;
		unit++;
	}
	snprintf(text, NUMBER_TEXT, "%.*f%c",
		 scaled < 9.995   ? 2
		 : scaled < 99.95 ? 1
				  : 0,
		 scaled, units[unit]);
}

void share_print(uint64_t part, uint64_t whole, char text[NUMBER_TEXT])
{
	if (whole == 0)
		snprintf(text, NUMBER_TEXT, "-");
	else
		snprintf(text, NUMBER_TEXT, "%.1f%%", 100.0 * (double)part / (double)whole);
}
