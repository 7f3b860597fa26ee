/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SEGMENT_SETS: what is wider than a single address becomes chains of entries reached by range:
 * from the innermost prefix outwards, a block before an allow of the same prefix, so that the
 * first unexpired entry of a chain is the answer. Single addresses are singles.c's.
 */
#include "compile/segments.h"

#include "compile/memory.h"
#include "compile/words.h"
#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>

struct build {
	struct forest forest[FAMILIES]; /* items are indices of words */
	uint32_t *words;
	uint32_t word_count;
	struct intern expires;
	struct set_entry *entries; /* each after the one that follows it in its chain */
	size_t entry_capacity;
	uint32_t entry_count;
	uint32_t *values[FAMILIES];
	struct table table[FAMILIES];
};

static size_t count_wide(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->set_count; i++)
		count += policy->sets[i].entries.sum.wide;
	return count;
}

static int plant_set(struct build *build, const struct set_params *set)
{
	struct entries_cursor cursor = entries_first(&set->entries, ENTRIES_WIDE, 0);
	const struct entry_params *entry;

	for (; (entry = entries_at(&cursor)); entries_next(&cursor)) {
		uint32_t expiry;

		if (intern_key(&build->expires, entry->expires_ns, &expiry) != 0 ||
		    forests_add(build->forest, &entry->prefix, build->word_count) != 0)
			return -ENOMEM;
		build->words[build->word_count++] = set_word(set->verdict, expiry);
	}
	return 0;
}

/* Expiry 0, never, is interned first: the reader's table begins with it. */
static int plant(struct build *build, const struct policy *policy)
{
	build->words = calloc(count_wide(policy) + 1, sizeof *build->words);
	if (!build->words || intern_key(&build->expires, 0, &(uint32_t){0}) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < policy->set_count; i++) {
		if (plant_set(build, &policy->sets[i]) != 0)
			return -ENOMEM;
	}
	return forests_link(build->forest);
}

/* What is said of one prefix, by verdict; 0: nothing. */
struct verdicts {
	uint32_t allow, block;
};

static struct verdicts run_verdicts(const struct build *build, const struct forest *forest,
				    uint32_t begin, uint32_t end)
{
	struct verdicts verdicts = {0, 0};

	for (uint32_t i = begin; i < end; i++) {
		uint32_t word = build->words[forest->nodes[i].item];
		bool block = set_verdict(word) == SET_BLOCK;
		uint32_t *said = block ? &verdicts.block : &verdicts.allow;

		*said = word_longer(&build->expires, *said, word);
	}
	return verdicts;
}

/* Put a prefix's entries before the chain `outer`. Where the whole chain begins, in *chain. */
static int prepend(struct build *build, struct verdicts verdicts, uint32_t outer, uint32_t *chain)
{
	struct set_entry *entries = grow(build->entries, &build->entry_capacity,
					 (size_t)build->entry_count + 2, sizeof *entries);

	if (!entries)
		return -ENOMEM;
	build->entries = entries;
	if (verdicts.allow) {
		entries[build->entry_count] = (struct set_entry){verdicts.allow, outer};
		outer = build->entry_count++;
	}
	if (verdicts.block) {
		entries[build->entry_count] = (struct set_entry){verdicts.block, outer};
		outer = build->entry_count++;
	}
	*chain = outer;
	return 0;
}

static int chain_family(struct build *build, unsigned family)
{
	const struct forest *forest = &build->forest[family];
	uint32_t *chains = calloc((size_t)forest->count + 1, sizeof *chains);
	uint32_t end;

	build->values[family] = chains;
	if (!chains)
		return -ENOMEM;
	for (uint32_t i = 0; i < forest->count; i = end) {
		uint32_t parent = forest->nodes[i].parent;
		uint32_t outer = parent == FOREST_NONE ? SET_NONE : chains[parent];
		struct verdicts verdicts;

		end = forest_run(forest, i);
		verdicts = run_verdicts(build, forest, i, end);
		if (prepend(build, verdicts, outer, &chains[end - 1]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static uint32_t reversed(const struct build *build, uint32_t entry)
{
	return entry == SET_NONE ? SET_NONE : build->entry_count - 1 - entry;
}

/* Chains were built from the outside in; the reader wants them to lead to higher indices. */
static void reverse_entries(struct build *build)
{
	struct set_entry *entries = build->entries;

	for (uint32_t i = 0; i < build->entry_count / 2; i++) {
		struct set_entry entry = entries[i];

		entries[i] = entries[reversed(build, i)];
		entries[reversed(build, i)] = entry;
	}
	for (uint32_t i = 0; i < build->entry_count; i++)
		entries[i].next = reversed(build, entries[i].next);
	for (unsigned family = 0; family < FAMILIES; family++) {
		for (uint32_t i = 0; i < build->forest[family].count; i++)
			build->values[family][i] = reversed(build, build->values[family][i]);
	}
}

static int build_all(struct build *build, const struct policy *policy)
{
	if (plant(build, policy) != 0 || chain_family(build, 0) != 0 || chain_family(build, 1) != 0)
		return -ENOMEM;
	reverse_entries(build);
	for (unsigned family = 0; family < FAMILIES; family++) {
		if (table_build(&build->forest[family], build->values[family], SET_NONE,
				&build->table[family]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static struct segment *write_sets(const struct build *build)
{
	struct writer writer = {.kind = SEGMENT_SETS};

	writer_tables(&writer, SETS_INDEX4, build->table);
	writer_array(&writer, SETS_ENTRIES, build->entries, build->entry_count);
	writer_array(&writer, SETS_EXPIRES, build->expires.keys, build->expires.count);
	return writer_segment(&writer);
}

static void build_free(struct build *build)
{
	forests_free(build->forest);
	free(build->words);
	intern_free(&build->expires);
	free(build->entries);
	for (unsigned family = 0; family < FAMILIES; family++) {
		free(build->values[family]);
		table_free(&build->table[family]);
	}
}

int sets_compile(const struct policy *policy, struct segment **segment, struct error *error)
{
	struct build build = {0};
	struct segment *written = NULL;

	forests_init(build.forest);
	if (build_all(&build, policy) == 0)
		written = write_sets(&build);
	build_free(&build);
	if (!written)
		return no_memory(error);
	*segment = written;
	return 0;
}
