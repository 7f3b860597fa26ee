/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys to dense numbers. See intern.h; sets of numbers are in classes.c. */
#include "compile/intern.h"

#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>

/* At most half of the slots are taken. The multiplier is 2^64 over the golden ratio. */
static uint32_t *slot_of(const struct intern *intern, uint64_t key)
{
	uint32_t mask = (uint32_t)(2 * intern->capacity - 1);
	uint32_t slot = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (intern->slots[slot] && intern->keys[intern->slots[slot] - 1] != key)
		slot = (slot + 1) & mask;
	return &intern->slots[slot];
}

/* Capacities are powers of two: see grow(). */
static int intern_grow(struct intern *intern)
{
	size_t capacity = intern->capacity;
	uint64_t *keys = grow(intern->keys, &capacity, capacity + 1, sizeof *keys);
	uint32_t *slots;

	if (!keys)
		return -ENOMEM;
	intern->keys = keys;
	slots = calloc(2 * capacity, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	free(intern->slots);
	intern->slots = slots;
	intern->capacity = capacity;
	for (uint32_t i = 0; i < intern->count; i++)
		*slot_of(intern, keys[i]) = i + 1;
	return 0;
}

int intern_key(struct intern *intern, uint64_t key, uint32_t *number)
{
	uint32_t *slot;

	/* What comes by address comes in runs. */
	if (intern->latest < intern->count && intern->keys[intern->latest] == key) {
		*number = intern->latest;
		return 0;
	}
	if (intern->count == intern->capacity && intern_grow(intern) != 0)
		return -ENOMEM;
	slot = slot_of(intern, key);
	if (*slot == 0) {
		intern->keys[intern->count++] = key;
		*slot = intern->count;
	}
	*number = intern->latest = *slot - 1;
	return 0;
}

void intern_free(struct intern *intern)
{
	free(intern->keys);
	free(intern->slots);
	*intern = (struct intern){0};
}
