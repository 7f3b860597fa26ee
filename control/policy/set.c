/* SPDX-License-Identifier: BSD-3-Clause */
/* Editing a set: entries stay in order, and memory runs out before anything changes. */
#include "policy/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t set_params_find(const struct set_params *set, const struct prefix *prefix)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = prefix_compare(&set->entries[middle].prefix, prefix);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

static int set_reserve(struct set_params *set, size_t count)
{
	struct entry_params *entries;
	size_t capacity = set->capacity + set->capacity / 2;

	if (count <= set->capacity)
		return 0;
	if (capacity < count)
		capacity = count;
	entries = realloc(set->entries, capacity * sizeof *entries);
	if (!entries)
		return -ENOMEM;
	set->entries = entries;
	set->capacity = capacity;
	return 0;
}

static bool entry_same(const struct entry_params *a, const struct entry_params *b)
{
	bool same_reason =
		a->reason && b->reason ? strcmp(a->reason, b->reason) == 0 : a->reason == b->reason;

	return a->expires_ns == b->expires_ns && same_reason;
}

/* Whether the next in order has the same prefix, and so was given later. */
static bool entry_superseded(const struct entry_params *entries, const uint32_t *order, size_t i,
			     size_t count)
{
	return i + 1 < count &&
	       prefix_compare(&entries[order[i]].prefix, &entries[order[i + 1]].prefix) == 0;
}

static size_t count_new(const struct set_params *set, const struct entry_params *entries,
			const uint32_t *order, size_t count)
{
	size_t new = 0;

	for (size_t i = 0; i < count; i++) {
		new += !entry_superseded(entries, order, i, count) &&
		       set_params_find(set, &entries[order[i]].prefix) == SIZE_MAX;
	}
	return new;
}

/* Keep of each prefix the entry given last. How many remain in `order`. */
static size_t keep_last(struct entry_params *entries, uint32_t *order, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (entry_superseded(entries, order, i, count))
			free(entries[order[i]].reason);
		else
			order[kept++] = order[i];
	}
	return kept;
}

/* Merge from the back, in place: the set has room for `new` more. How many changed. */
static size_t set_merge(struct set_params *set, const struct entry_params *entries,
			const uint32_t *order, size_t count, size_t new)
{
	size_t from = set->count, to = set->count + new, changed = 0;

	set->count = to;
	while (count > 0) {
		const struct entry_params *entry = &entries[order[count - 1]];
		struct entry_params *old = from > 0 ? &set->entries[from - 1] : NULL;
		int compared = old ? prefix_compare(&old->prefix, &entry->prefix) : -1;

		if (compared > 0) {
			set->entries[--to] = set->entries[--from];
			continue;
		}
		changed += compared < 0 || !entry_same(old, entry);
		if (compared == 0) {
			free(old->reason);
			from--;
		}
		set->entries[--to] = *entry;
		count--;
	}
	return changed;
}

int set_params_add(struct set_params *set, struct entry_params *entries, size_t count,
		   size_t *changed)
{
	uint32_t *order;
	size_t new;

	*changed = 0;
	if (count == 0)
		return 0;
	order = malloc(count * sizeof *order);
	if (!order)
		return -ENOMEM;
	order_prefixes(&entries->prefix, sizeof *entries, count, order);
	new = count_new(set, entries, order, count);
	if (set_reserve(set, set->count + new)) {
		free(order);
		return -ENOMEM;
	}
	count = keep_last(entries, order, count);
	*changed = set_merge(set, entries, order, count, new);
	free(order);
	return 0;
}

int set_params_remove(struct set_params *set, const struct prefix *prefixes, size_t count,
		      size_t *changed)
{
	bool *gone = calloc(set->count + 1, sizeof *gone);
	size_t kept = 0;

	if (!gone)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t at = set_params_find(set, &prefixes[i]);

		if (at != SIZE_MAX)
			gone[at] = true;
	}
	for (size_t i = 0; i < set->count; i++) {
		if (gone[i])
			free(set->entries[i].reason);
		else
			set->entries[kept++] = set->entries[i];
	}
	*changed = set->count - kept;
	set->count = kept;
	free(gone);
	return 0;
}

size_t set_params_expire(struct set_params *set, uint64_t now_ns)
{
	size_t kept = 0, expired;

	for (size_t i = 0; i < set->count; i++) {
		struct entry_params *entry = &set->entries[i];

		if (entry->expires_ns != 0 && entry->expires_ns <= now_ns)
			free(entry->reason);
		else
			set->entries[kept++] = *entry;
	}
	expired = set->count - kept;
	set->count = kept;
	return expired;
}
