/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of small numbers to dense numbers. See intern.h. */
#include "compile/intern.h"

#include "image.h"
#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CLASS_SLOTS = 2 * CAP_CLASSES };

int classes_init(struct classes *classes)
{
	*classes = (struct classes){
		.start = calloc(CAP_CLASSES + 1, sizeof *classes->start),
		.slots = calloc(CLASS_SLOTS, sizeof *classes->slots),
	};
	if (!classes->start || !classes->slots)
		return -ENOMEM;
	return classes_add(classes, 0, NULL, 0, &(uint32_t){0});
}

void classes_free(struct classes *classes)
{
	free(classes->members);
	free(classes->start);
	free(classes->slots);
	*classes = (struct classes){0};
}

const uint16_t *classes_members(const struct classes *classes, uint32_t class, size_t *count)
{
	*count = classes->start[class + 1] - classes->start[class];
	return classes->members + classes->start[class];
}

static int compare_members(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Merge two ascending lists into `to`, each number once. How many there are then. */
static size_t merge(const uint16_t *a, size_t a_count, const uint16_t *b, size_t b_count,
		    uint16_t *to)
{
	const uint16_t *a_end = a + a_count, *b_end = b + b_count;
	size_t count = 0;

	while (a < a_end || b < b_end) {
		uint16_t next = b == b_end || (a < a_end && *a <= *b) ? *a++ : *b++;

		if (count == 0 || to[count - 1] != next)
			to[count++] = next;
	}
	return count;
}

static bool class_equals(const struct classes *classes, uint32_t class, const uint16_t *members,
			 size_t count)
{
	size_t of_class;
	const uint16_t *have = classes_members(classes, class, &of_class);

	return of_class == count &&
	       (count == 0 || memcmp(have, members, count * sizeof *have) == 0);
}

static uint32_t *slot_of(const struct classes *classes, const uint16_t *members, size_t count)
{
	uint64_t slot = image_hash(members, count * sizeof *members) % CLASS_SLOTS;

	while (classes->slots[slot] &&
	       !class_equals(classes, classes->slots[slot] - 1, members, count))
		slot = (slot + 1) % CLASS_SLOTS;
	return &classes->slots[slot];
}

/*
 * The new set is put together behind the last class, and stays there if it is new; its own
 * members are sorted behind it. A base may be large and asked for millions of times, so it is
 * merged with, not sorted again, and not even that where nothing is added.
 */
int classes_add(struct classes *classes, uint32_t base, const uint16_t *members, size_t count,
		uint32_t *class)
{
	size_t used = classes->start[classes->count];
	size_t of_base = classes->count ? classes->start[base + 1] - classes->start[base] : 0;
	uint16_t *all, *set, *added;
	uint32_t *slot;

	if (count == 0 && classes->count > 0) {
		*class = base;
		return 0;
	}
	/* One more, so that there is an array even of no members. */
	all = grow(classes->members, &classes->capacity, used + of_base + 2 * count + 1,
		   sizeof *all);
	if (!all)
		return -ENOMEM;
	classes->members = all;
	set = all + used;
	added = set + of_base + count;
	if (count) {
		memcpy(added, members, count * sizeof *added);
		qsort(added, count, sizeof *added, compare_members);
	}
	count = merge(all + classes->start[base], of_base, added, count, set);
	slot = slot_of(classes, set, count);
	if (*slot == 0) {
		if (classes->count == CAP_CLASSES)
			return -E2BIG;
		classes->start[++classes->count] = used + count;
		*slot = classes->count;
	}
	*class = *slot - 1;
	return 0;
}
