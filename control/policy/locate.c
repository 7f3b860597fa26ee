/* SPDX-License-Identifier: BSD-3-Clause */
/* A walk over brackets, commas and strings that takes any bytes for what they may mean. */
#include "policy/locate.h"

#include <stdbool.h>
#include <string.h>

/* Deeper levels are counted, not shown: a path is shorter than that. */
enum { LEVELS_SHOWN = 128 };

struct level {
	bool object;
	bool valued; /* object: past the colon */
	size_t index;
	const char *key; /* object: NULL until read */
	size_t key_size;
};

struct walk {
	struct level levels[LEVELS_SHOWN];
	size_t depth;
};

static struct level *walk_top(struct walk *walk)
{
	return walk->depth > 0 && walk->depth <= LEVELS_SHOWN ? &walk->levels[walk->depth - 1]
							      : NULL;
}

static void walk_open(struct walk *walk, bool object)
{
	struct level *top;

	walk->depth++;
	top = walk_top(walk);
	if (top)
		*top = (struct level){.object = object};
}

static void walk_mark(struct walk *walk, char mark)
{
	struct level *top = walk_top(walk);

	if (mark == '{' || mark == '[') {
		walk_open(walk, mark == '{');
	} else if (mark == '}' || mark == ']') {
		walk->depth -= walk->depth > 0;
	} else if (mark == ',' && top) {
		top->index++;
		top->key = NULL;
		top->valued = false;
	} else if (mark == ':' && top) {
		top->valued = true;
	}
}

static void walk_string(struct walk *walk, const char *string, size_t size)
{
	struct level *top = walk_top(walk);

	if (top && top->object && !top->valued) {
		top->key = string;
		top->key_size = size;
	}
}

/* Bytes of the string at `text` before its closing quote, or the end. */
static size_t string_size(const char *text, size_t left)
{
	size_t size = 0;

	while (size < left && text[size] != '"')
		size += text[size] == '\\' ? 2 : 1;
	return size < left ? size : left;
}

static struct path walk_path(const struct walk *walk)
{
	struct path path = {0};

	for (size_t i = 0; i < walk->depth && i < LEVELS_SHOWN; i++) {
		const struct level *level = &walk->levels[i];

		if (!level->object)
			path_index(&path, level->index);
		else if (level->key)
			path_key(&path, level->key, level->key_size);
	}
	return path;
}

struct path locate(const char *text, size_t position)
{
	struct walk walk = {.depth = 0};

	for (size_t i = 0; i < position; i++) {
		if (text[i] == '"') {
			size_t size = string_size(text + i + 1, position - i - 1);

			walk_string(&walk, text + i + 1, size);
			i += size + 1;
		} else if (i + 1 < position) {
			/* The last mark is the one that was not expected: it changes nothing. */
			walk_mark(&walk, text[i]);
		}
	}
	return walk_path(&walk);
}
