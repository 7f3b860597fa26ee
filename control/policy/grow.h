/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays that grow at their end, to twice the room each time, so that adding one costs the same. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { GROW_LEAST = 64 }; /* elements; a power of two, so capacities are */

/*
 * Room for `needed` elements of `size` bytes, one at least, in `array`, which has *capacity of
 * them (or none, and is NULL). The array from here on; or NULL: there is no memory for so many,
 * and all is as it was.
 */
static inline void *grow(void *array, size_t *capacity, size_t needed, size_t size)
{
	size_t room = *capacity ? *capacity : GROW_LEAST;

	if (needed <= *capacity)
		return array;
	if (needed > SIZE_MAX / 2)
		return NULL;
	while (room < needed)
		room *= 2;
	array = reallocarray(array, room, size);
	if (array)
		*capacity = room;
	return array;
}
