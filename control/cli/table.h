/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables for people on a terminal; elsewhere the same cells, a line a row, for scripts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_kind {
	TABLE_NUMBER, /* right-aligned */
	TABLE_WORD,   /* left-aligned */
	TABLE_TEXT,   /* left-aligned, and shortened where the terminal is narrow */
};

struct table_column {
	const char *heading;
	enum table_kind kind;
};

enum { NUMBER_TEXT = 24 };

struct libscols_table;

/* NULL: no memory. */
struct libscols_table *table_new(const struct table_column *columns, size_t count);

/* Add a row of as many cells as there are columns. 0, or -ENOMEM. */
int table_row(struct libscols_table *table, const char *const cells[]);

/* Print to standard output, and free; NULL is fine. */
void table_print(struct libscols_table *table);

/* Whether standard output is a terminal. */
bool table_terminal(void);

/* The same, and colours are welcome. */
bool table_coloured(void);

/* A count: exact for scripts, and four digits with k, M, G or T on a terminal. */
void number_print(uint64_t number, char text[NUMBER_TEXT]);

/* part of whole in per cent with one decimal, or "-" of nothing. */
void share_print(uint64_t part, uint64_t whole, char text[NUMBER_TEXT]);
