/* SPDX-License-Identifier: BSD-3-Clause */
/* Editing a set. What fails halfway is undone by going back to a copy made before. */
#include "policy/order.h"

#include <errno.h>
#include <stdlib.h>

/* Whether the next in order has the same prefix, and so was given later. */
static bool entry_superseded(const struct entry_params *entries, const uint32_t *order, size_t i,
			     size_t count)
{
	return i + 1 < count &&
	       prefix_compare(&entries[order[i]].prefix, &entries[order[i + 1]].prefix) == 0;
}

/* Put an entry, sharing its reason; *changed counts it if it is new or different. */
static int put_shared(struct entries *entries, const struct entry_params *entry, size_t *changed)
{
	const struct entry_params *old = entries_find(entries, &entry->prefix);

	if (old && entry_same(old, entry))
		return 0;
	reason_ref(entry->reason);
	if (entries_put(entries, entry) != 0) {
		reason_unref(entry->reason);
		return -ENOMEM;
	}
	++*changed;
	return 0;
}

int set_params_add(struct set_params *set, struct entry_params *entries, size_t count,
		   size_t *changed)
{
	struct entries before = entries_copy(&set->entries);
	uint32_t *order = malloc((count + 1) * sizeof *order);
	int result = order ? 0 : -ENOMEM;

	*changed = 0;
	if (order)
		order_prefixes(&entries->prefix, sizeof *entries, count, order);
	for (size_t i = 0; result == 0 && i < count; i++) {
		if (!entry_superseded(entries, order, i, count))
			result = put_shared(&set->entries, &entries[order[i]], changed);
	}
	free(order);
	if (result != 0) {
		entries_free(&set->entries);
		set->entries = before;
		return result;
	}
	for (size_t i = 0; i < count; i++)
		reason_unref(entries[i].reason);
	entries_free(&before);
	return 0;
}

int set_params_remove(struct set_params *set, const struct prefix *prefixes, size_t count,
		      size_t *changed)
{
	struct entries before = entries_copy(&set->entries);

	for (size_t i = 0; i < count; i++) {
		if (entries_drop(&set->entries, &prefixes[i]) != 0) {
			entries_free(&set->entries);
			set->entries = before;
			return -ENOMEM;
		}
	}
	*changed = before.sum.count - set->entries.sum.count;
	entries_free(&before);
	return 0;
}

size_t set_params_expire(struct set_params *set, uint64_t now_ns, size_t most)
{
	size_t expired = 0;

	while (expired < most) {
		struct entries_cursor cursor =
			entries_first(&set->entries, ENTRIES_EXPIRED, now_ns);
		const struct entry_params *entry = entries_at(&cursor);
		struct prefix prefix;

		if (!entry)
			break;
		prefix = entry->prefix;
		if (entries_drop(&set->entries, &prefix) != 0)
			break;
		expired++;
	}
	return expired;
}

size_t policy_expire(struct policy *policy, uint64_t now_ns, size_t most)
{
	size_t expired = 0;

	for (size_t i = 0; i < policy->set_count && expired < most; i++)
		expired += set_params_expire(&policy->sets[i], now_ns, most - expired);
	if (expired > 0 && now_ns > policy->expired_ns)
		policy->expired_ns = now_ns;
	return expired;
}
