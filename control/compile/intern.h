/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dense numbers for things that occur many times, in order of first appearance: for 64-bit
 * keys, and for sets of small numbers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct intern {
	uint64_t *keys; /* by number */
	size_t capacity;
	uint32_t count;
	uint32_t latest; /* that was asked for */
	uint32_t *slots; /* a number plus one, or 0 */
};

/* The number of `key`, a new one if it is new. 0 or -ENOMEM. */
int intern_key(struct intern *intern, uint64_t key, uint32_t *number);

void intern_free(struct intern *intern);

/* Classes: sets of small numbers. Class 0 is the empty set. */
struct classes {
	uint16_t *members; /* ascending within a class */
	size_t capacity;
	size_t *start; /* of a class in members; start[count] is the end of the last */
	uint32_t count;
	uint32_t *slots;
};

/* 0 or -ENOMEM; for classes_free() either way. */
int classes_init(struct classes *classes);

/*
 * The class that holds what class `base` holds and the `count` members as well, in any
 * order. 0, -ENOMEM, or -E2BIG past CAP_CLASSES.
 */
int classes_add(struct classes *classes, uint32_t base, const uint16_t *members, size_t count,
		uint32_t *class);

/* The members of a class, and how many. */
const uint16_t *classes_members(const struct classes *classes, uint32_t class, size_t *count);

void classes_free(struct classes *classes);
