/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of entries, against an array that has a place for every prefix there is. */
#include "policy/entries.h"

#include "random.h"
#include "suite.h"

#include <stdlib.h>

/* Enough for a tree of three levels. */
enum { PLACES = 20000, COPIES = 6, ROUNDS = 400, MOST = 300, MOMENTS = 50 };

struct model {
	bool there[PLACES];
	uint8_t expires[PLACES];
};

struct pair {
	struct entries entries;
	struct model model;
};

static struct pair pairs[COPIES];

/* In order: single addresses and prefixes of both families. */
static struct prefix place_prefix(unsigned place)
{
	bool ip6 = place >= PLACES / 2, wide = place % 5 == 0;
	uint64_t at = (uint64_t)place * 8;

	return ip6 ? (struct prefix){{at, 0}, 1, wide ? 64 : 128}
		   : (struct prefix){{0, at}, 0, wide ? 29 : 32};
}

static void put(struct pair *pair, unsigned place)
{
	uint8_t expires = random_below(2) ? (uint8_t)(1 + random_below(MOMENTS)) : 0;
	struct entry_params entry = {.prefix = place_prefix(place), .expires_ns = expires};

	entry.reason = random_below(3) ? NULL : reason_new("why");
	CU_ASSERT_EQUAL_FATAL(entries_put(&pair->entries, &entry), 0);
	pair->model.there[place] = true;
	pair->model.expires[place] = expires;
}

static void drop(struct pair *pair, unsigned place)
{
	struct prefix prefix = place_prefix(place);

	CU_ASSERT_EQUAL_FATAL(entries_drop(&pair->entries, &prefix), 0);
	pair->model.there[place] = false;
}

/* A stretch of neighbours, or here and there; put or dropped. */
static void change(struct pair *pair)
{
	unsigned count = random_below(MOST), at = random_below(PLACES), what = random_below(5);

	for (unsigned i = 0; i < count; i++) {
		unsigned place = what % 2 ? random_below(PLACES) : (at + i) % PLACES;

		if (what < 3)
			put(pair, place);
		else
			drop(pair, place);
	}
}

static void check_kind(const struct pair *pair, enum entries_kind kind, unsigned now)
{
	struct entries_cursor cursor = entries_first(&pair->entries, kind, now);
	const struct entry_params *entry;
	unsigned wrong = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		struct prefix prefix = place_prefix(place);
		uint8_t expires = pair->model.expires[place];
		bool is = kind == ENTRIES_WIDE      ? place % 5 == 0
			  : kind == ENTRIES_EXPIRED ? expires && expires <= now
						    : true;

		if (!pair->model.there[place] || !is)
			continue;
		entry = entries_at(&cursor);
		wrong += !entry || prefix_compare(&entry->prefix, &prefix) != 0 ||
			 entry->expires_ns != expires;
		entries_next(&cursor);
	}
	CU_ASSERT_PTR_NULL(entries_at(&cursor));
	CU_ASSERT_EQUAL(wrong, 0);
}

static void check(const struct pair *pair)
{
	unsigned now = random_below(MOMENTS + 2), count = 0, live = 0, wide = 0, wrong = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		struct prefix prefix = place_prefix(place);
		uint8_t expires = pair->model.expires[place];
		bool there = pair->model.there[place];

		wrong += (entries_find(&pair->entries, &prefix) != NULL) != there;
		if (there && !(expires && expires <= now)) {
			struct entries_cursor at;

			at = entries_skip(&pair->entries, live++, now);
			wrong += place % 100 == 0 &&
				 prefix_compare(&entries_at(&at)->prefix, &prefix) != 0;
		}
		count += there;
		wide += there && place % 5 == 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(pair->entries.sum.count, count);
	CU_ASSERT_EQUAL(pair->entries.sum.wide, wide);
	CU_ASSERT_EQUAL(entries_expired(&pair->entries, now), count - live);
	check_kind(pair, ENTRIES_ALL, now);
	check_kind(pair, ENTRIES_WIDE, now);
	check_kind(pair, ENTRIES_EXPIRED, now);
}

struct difference {
	const struct model *before, *after;
	unsigned place, count, wrong;
};

static int differs(void *context, const struct entry_params *before,
		   const struct entry_params *after)
{
	struct difference *difference = context;
	const struct prefix *prefix = before ? &before->prefix : &after->prefix;
	unsigned place = (unsigned)((prefix->ip6 ? prefix->address.hi : prefix->address.lo) / 8);

	difference->wrong += place < difference->place;
	difference->wrong += difference->before->there[place] != (before != NULL);
	difference->wrong += difference->after->there[place] != (after != NULL);
	difference->place = place + 1;
	difference->count++;
	return 0;
}

static bool has(const struct pair *pair, const struct entry_params *entry)
{
	const struct entry_params *found = entries_find(&pair->entries, &entry->prefix);

	return found && entry_same(found, entry);
}

static void compare(const struct pair *a, const struct pair *b)
{
	struct difference difference = {.before = &a->model, .after = &b->model};
	struct entries_cursor cursor;
	unsigned expected = 0;

	CU_ASSERT_EQUAL(entries_compare(&a->entries, &b->entries, differs, &difference), 0);
	for (cursor = entries_first(&a->entries, ENTRIES_ALL, 0); entries_at(&cursor);
	     entries_next(&cursor))
		expected += !has(b, entries_at(&cursor));
	for (unsigned place = 0; place < PLACES; place++)
		expected += b->model.there[place] && !a->model.there[place];
	CU_ASSERT_EQUAL(difference.wrong, 0);
	CU_ASSERT_EQUAL(difference.count, expected);
}

/* Copies are made of copies, and each goes its own way. */
static void test_copies(void)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct pair *pair = &pairs[random_below(COPIES)], *other;

		change(pair);
		other = &pairs[random_below(COPIES)];
		if (round % 5 == 0 && other != pair) {
			entries_free(&other->entries);
			*other = *pair;
			other->entries = entries_copy(&pair->entries);
		}
		if (round % 10 == 0)
			check(pair);
		compare(pair, other);
	}
	for (unsigned i = 0; i < COPIES; i++) {
		check(&pairs[i]);
		entries_free(&pairs[i].entries);
	}
}

/* In order, in reverse and then all out again. */
static void test_ends(void)
{
	static struct pair pair;

	for (unsigned place = 0; place < PLACES; place++)
		put(&pair, place);
	check(&pair);
	for (unsigned place = PLACES; place > 0; place -= 2)
		drop(&pair, place - 1);
	check(&pair);
	for (unsigned place = 0; place < PLACES; place++)
		drop(&pair, place);
	check(&pair);
	CU_ASSERT_PTR_NULL(pair.entries.root);
	for (unsigned place = PLACES; place > 0; place--)
		put(&pair, place - 1);
	check(&pair);
	entries_free(&pair.entries);
}

static int count_some(void *context, const struct entry_params *before,
		      const struct entry_params *after)
{
	(void)before;
	(void)after;
	return ++*(int *)context == 3 ? 77 : 0;
}

static void test_enough(void)
{
	static struct pair pair;
	struct entries none = {0};
	int count = 0;

	for (unsigned place = 0; place < 10; place++)
		put(&pair, place);
	CU_ASSERT_EQUAL(entries_compare(&none, &pair.entries, count_some, &count), 77);
	CU_ASSERT_EQUAL(count, 3);
	CU_ASSERT_EQUAL(entries_compare(&none, &none, count_some, &count), 0);
	entries_free(&pair.entries);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"copies", test_copies},
		{"from the ends", test_ends},
		{"enough differs", test_enough},
		CU_TEST_INFO_NULL,
	};

	return suite_run("entries", tests);
}
