/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of opening and checking an image ask of one another. */
#pragma once

#include "image.h"

/* Set *error to what is wrong with an array of a segment; array < 0: with all of it. -EBADMSG. */
int image_refuse(enum segment_kind kind, int array, const char *message, struct image_error *error);

/*
 * Check what ties segments together: that each choice is a rule, and that a rule which
 * diverts is chosen only for services with a fallback. 0, or -EBADMSG with *error set.
 */
int image_check_choice(const struct image *image, const void *services, struct image_error *error);

/* A segment being checked, so that a finding can name its place. */
struct check {
	enum segment_kind kind;
	const struct segment_header *header;
	struct image_error *error;
};

static inline int refuse(const struct check *check, int array, const char *message)
{
	return image_refuse(check->kind, array, message, check->error);
}

static inline const void *array_at(const struct check *check, unsigned array)
{
	return (const char *)check->header + check->header->array[array].offset;
}

static inline uint64_t array_count(const struct check *check, unsigned array)
{
	return check->header->array[array].count;
}

/*
 * The range table in the six arrays from `at` on: values are below `limit`, or SET_NONE where
 * `none`. This and the following: 0, or -EBADMSG with the error set.
 */
int check_range(const struct check *check, unsigned at, uint64_t limit, bool none);

int check_sets(const struct check *check);
int check_singles(const struct check *check);
