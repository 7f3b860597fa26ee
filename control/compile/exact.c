/* SPDX-License-Identifier: BSD-3-Clause */
/* Exact lines. See exact.h. */
#include "compile/exact.h"

#include "lookup.h"

#include <errno.h>
#include <stdlib.h>

int exact_add(struct exact *exact, uint32_t node, uint32_t word)
{
	if (exact->count == exact->capacity) {
		size_t capacity = exact->capacity ? 2 * exact->capacity : 64;
		struct exact_entry *entries =
			reallocarray(exact->entries, capacity, sizeof *entries);

		if (!entries)
			return -ENOMEM;
		exact->entries = entries;
		exact->capacity = capacity;
	}
	exact->entries[exact->count++] = (struct exact_entry){node, word};
	return 0;
}

/* As many lines as keep at most three ways of five taken, so that few overflow. */
static int make_lines(struct exact *exact, unsigned ways)
{
	uint32_t lines = 1;

	if (exact->count == 0)
		return 0;
	while ((uint64_t)lines * ways * 3 < exact->count * 5)
		lines *= 2;
	exact->lines = calloc(lines, sizeof(struct exact4));
	if (!exact->lines)
		return -ENOMEM;
	exact->line_count = lines;
	return 0;
}
_Static_assert(sizeof(struct exact4) == sizeof(struct exact6), "one size of line");

/* The first empty way of a line, or `ways`. */
static unsigned empty_way(const uint32_t *words, unsigned ways)
{
	unsigned way = 0;

	while (way < ways && words[way])
		way++;
	return way;
}

int exact4_fill(struct exact *exact, const struct forest *forest, uint64_t seed)
{
	struct exact4 *lines;

	if (make_lines(exact, EXACT4_WAYS) != 0)
		return -ENOMEM;
	lines = exact->lines;
	for (size_t i = 0; i < exact->count; i++) {
		uint32_t address = (uint32_t)forest->nodes[exact->entries[i].node].first;
		uint32_t line = exact4_line(address, seed, exact->line_count);
		unsigned way;

		while ((way = empty_way(lines[line].word, EXACT4_WAYS)) == EXACT4_WAYS)
			line = (line + 1) & (exact->line_count - 1);
		lines[line].address[way] = address;
		lines[line].word[way] = exact->entries[i].word;
	}
	return 0;
}

int exact6_fill(struct exact *exact, const struct forest *forest, uint64_t seed)
{
	struct exact6 *lines;

	if (make_lines(exact, EXACT6_WAYS) != 0)
		return -ENOMEM;
	lines = exact->lines;
	for (size_t i = 0; i < exact->count; i++) {
		unsigned __int128 value = forest->nodes[exact->entries[i].node].first;
		struct address address = {(uint64_t)(value >> 64), (uint64_t)value};
		uint32_t line = exact6_line(address, seed, exact->line_count);
		unsigned way;

		while ((way = empty_way(lines[line].word, EXACT6_WAYS)) == EXACT6_WAYS)
			line = (line + 1) & (exact->line_count - 1);
		lines[line].address[way] = address;
		lines[line].word[way] = exact->entries[i].word;
	}
	return 0;
}

void exact_free(struct exact *exact)
{
	free(exact->entries);
	free(exact->lines);
	*exact = (struct exact){0};
}
