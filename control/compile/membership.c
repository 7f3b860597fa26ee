/* SPDX-License-Identifier: BSD-3-Clause */
/* Which origins a group holds. See origins.h. */
#include "compile/origins.h"

#include <stdlib.h>
#include <string.h>

struct evaluation {
	const struct policy *policy;
	const struct classes *classes;
	const origin_key *keys;
	struct membership *membership;
	bool *done;           /* by group */
	uint64_t *by_asn;     /* AS << 32 | record, ascending */
	uint64_t *by_country; /* likewise */
	uint64_t *by_class;   /* of marks; likewise */
};

static uint64_t *row_of(const struct membership *membership, uint32_t row)
{
	return &membership->rows[(size_t)row * membership->words];
}

static bool class_has(const struct classes *classes, uint32_t class, uint16_t mark)
{
	size_t count, low = 0;
	const uint16_t *members = classes_members(classes, class, &count);

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (members[middle] == mark)
			return true;
		if (members[middle] < mark)
			low = middle + 1;
		else
			count = middle;
	}
	return false;
}

static uint32_t country_number(const char country[2])
{
	return (uint32_t)(uint8_t)country[0] << 8 | (uint8_t)country[1];
}

static int compare_words(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int index_records(struct evaluation *evaluation)
{
	uint32_t records = evaluation->membership->records;

	evaluation->by_asn = calloc(records, sizeof *evaluation->by_asn);
	evaluation->by_country = calloc(records, sizeof *evaluation->by_country);
	evaluation->by_class = calloc(records, sizeof *evaluation->by_class);
	if (!evaluation->by_asn || !evaluation->by_country || !evaluation->by_class)
		return -1;
	for (uint32_t i = 0; i < records; i++) {
		origin_key key = evaluation->keys[i];
		struct origin origin = origin_of_key(key);

		evaluation->by_asn[i] = (uint64_t)origin.asn << 32 | i;
		evaluation->by_country[i] = (uint64_t)country_number(origin.country) << 32 | i;
		evaluation->by_class[i] = (uint64_t)origin_marks(key) << 32 | i;
	}
	qsort(evaluation->by_asn, records, sizeof *evaluation->by_asn, compare_words);
	qsort(evaluation->by_country, records, sizeof *evaluation->by_country, compare_words);
	qsort(evaluation->by_class, records, sizeof *evaluation->by_class, compare_words);
	return 0;
}

/* Put a record into the row of a group, or out of it. */
static void put(uint64_t *row, uint32_t record, bool in)
{
	uint64_t bit = UINT64_C(1) << record % 64;

	row[record / 64] = in ? row[record / 64] | bit : row[record / 64] & ~bit;
}

/* Put the records that an index has under `number`. */
static void put_indexed(const struct evaluation *evaluation, const uint64_t *index, uint32_t number,
			uint64_t *row, bool in)
{
	size_t low = 0, high = evaluation->membership->records;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index[middle] >> 32 < number)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < evaluation->membership->records && index[low] >> 32 == number; low++)
		put(row, (uint32_t)index[low], in);
}

static void put_marked(const struct evaluation *evaluation, uint16_t mark, uint64_t *row, bool in)
{
	for (uint32_t class = 0; class < evaluation->classes->count; class ++) {
		if (class_has(evaluation->classes, class, mark))
			put_indexed(evaluation, evaluation->by_class, class, row, in);
	}
}

/* Put all that another row has. */
static void put_row(const struct evaluation *evaluation, uint32_t other, uint64_t *row, bool in)
{
	const uint64_t *bits = row_of(evaluation->membership, other);

	for (uint32_t word = 0; word < evaluation->membership->words; word++)
		row[word] = in ? row[word] | bits[word] : row[word] & ~bits[word];
}

static void put_term(const struct evaluation *evaluation, uint16_t group, const struct term *term)
{
	uint64_t *row = row_of(evaluation->membership, group);
	bool in = !term->negative;

	switch (term->type) {
	case TERM_COUNTRY:
		put_indexed(evaluation, evaluation->by_country, country_number(term->country), row,
			    in);
		break;
	case TERM_ASN:
		put_indexed(evaluation, evaluation->by_asn, term->asn, row, in);
		break;
	case TERM_PREFIX:
		put_marked(evaluation, origin_mark(group, term->negative), row, in);
		break;
	case TERM_GROUP:
		put_row(evaluation, term->group, row, in);
		break;
	case TERM_UNMAPPED:
		put_row(evaluation, evaluation->membership->groups + 1, row, in);
		break;
	case TERM_ANY:
		put_row(evaluation, evaluation->membership->groups, row, in);
		break;
	}
}

/* A mark stands for all of a group's prefixes of its sign, so one term answers for them. */
static bool answered(const struct group_params *group, size_t term, bool seen[2])
{
	bool negative = group->terms[term].negative;
	bool before = seen[negative];

	if (group->terms[term].type != TERM_PREFIX)
		return false;
	seen[negative] = true;
	return before;
}

/* Put the terms of one sign. Whether there were any. */
static bool put_terms(const struct evaluation *evaluation, uint16_t index, bool negative)
{
	const struct group_params *group = &evaluation->policy->groups[index];
	bool seen[2] = {false, false}, any = false;

	for (size_t i = 0; i < group->count; i++) {
		if (group->terms[i].negative != negative || answered(group, i, seen))
			continue;
		put_term(evaluation, index, &group->terms[i]);
		any = true;
	}
	return any;
}

/* The parser refuses groups that name each other in a circle, so this ends. */
static void evaluate(struct evaluation *evaluation, uint16_t index)
{
	const struct group_params *group = &evaluation->policy->groups[index];
	const struct membership *membership = evaluation->membership;

	if (evaluation->done[index])
		return;
	evaluation->done[index] = true;
	for (size_t i = 0; i < group->count; i++) {
		if (group->terms[i].type == TERM_GROUP)
			evaluate(evaluation, group->terms[i].group);
	}
	if (!put_terms(evaluation, index, false)) {
		put_row(evaluation, membership->groups, row_of(membership, index), true);
		put_row(evaluation, membership->groups + 1, row_of(membership, index), false);
	}
	put_terms(evaluation, index, true);
}

static void fill_last_rows(const struct membership *membership, const origin_key *keys)
{
	uint64_t *all = row_of(membership, membership->groups);
	uint64_t *unmapped = row_of(membership, membership->groups + 1);

	for (uint32_t i = 0; i < membership->records; i++) {
		all[i / 64] |= UINT64_C(1) << i % 64;
		unmapped[i / 64] |= (uint64_t)!origin_of_key(keys[i]).mapped << i % 64;
	}
}

static int evaluate_all(struct evaluation *evaluation)
{
	struct membership *membership = evaluation->membership;
	size_t rows = (size_t)membership->groups + 2;

	membership->rows = calloc(rows * membership->words, sizeof *membership->rows);
	evaluation->done = calloc(rows, sizeof *evaluation->done);
	if (!membership->rows || !evaluation->done || index_records(evaluation) != 0)
		return -1;
	fill_last_rows(membership, evaluation->keys);
	for (uint32_t i = 0; i < membership->groups; i++)
		evaluate(evaluation, (uint16_t)i);
	return 0;
}

struct membership *membership_new(const struct policy *policy, const struct classes *classes,
				  const origin_key *keys, uint32_t count, uint32_t origins)
{
	struct membership *membership = malloc(sizeof *membership);
	struct evaluation evaluation = {
		.policy = policy,
		.classes = classes,
		.keys = keys,
		.membership = membership,
	};

	if (!membership)
		return NULL;
	*membership = (struct membership){
		.references = 1,
		.origins = origins,
		.records = count,
		.words = (count + 63) / 64,
		.groups = (uint32_t)policy->group_count,
	};
	if (evaluate_all(&evaluation) != 0) {
		membership_unref(membership);
		membership = NULL;
	}
	free(evaluation.done);
	free(evaluation.by_asn);
	free(evaluation.by_country);
	free(evaluation.by_class);
	return membership;
}

struct membership *membership_ref(struct membership *membership)
{
	if (membership)
		membership->references++;
	return membership;
}

void membership_unref(struct membership *membership)
{
	if (!membership || --membership->references > 0)
		return;
	free(membership->rows);
	free(membership);
}
