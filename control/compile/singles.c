/* SPDX-License-Identifier: BSD-3-Clause */
/* From entries to layers of single addresses. See singles.h. */
#include "compile/singles.h"

#include "compile/layer.h"
#include "compile/memory.h"

#include <errno.h>

/* Nobody who does not know the salt can aim at one line of a layer. */
static uint64_t seed_of(const struct policy *policy)
{
	static const char purpose[] = "exact lines";

	return siphash(siphash_key_from(policy->salt), purpose, sizeof purpose - 1);
}

static void count_singles(const struct policy *policy, size_t *count4, size_t *count6)
{
	*count4 = *count6 = 0;
	for (size_t i = 0; i < policy->set_count; i++) {
		const struct entries *entries = &policy->sets[i].entries;
		struct entries_cursor cursor = entries_first(entries, ENTRIES_ALL, 0);
		const struct entry_params *entry;

		for (; (entry = entries_at(&cursor)); entries_next(&cursor)) {
			*count4 += !prefix_wide(&entry->prefix) && !entry->prefix.ip6;
			*count6 += !prefix_wide(&entry->prefix) && entry->prefix.ip6;
		}
	}
}

/* Say all that the policy does of single addresses. 0 or -ENOMEM. */
static int say_all(const struct policy *policy, struct layer *layer)
{
	for (size_t i = 0; i < policy->set_count; i++) {
		const struct set_params *set = &policy->sets[i];
		struct entries_cursor cursor = entries_first(&set->entries, ENTRIES_ALL, 0);
		const struct entry_params *entry;

		for (; (entry = entries_at(&cursor)); entries_next(&cursor)) {
			if (!prefix_wide(&entry->prefix) &&
			    layer_say(layer, &entry->prefix, set->verdict, entry->expires_ns) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int compile_all(const struct policy *policy, struct segment **segment)
{
	struct layer layer;
	size_t count4, count6;
	int result;

	count_singles(policy, &count4, &count6);
	result = layer_init(&layer, seed_of(policy), count4, count6);
	if (result == 0)
		result = say_all(policy, &layer);
	*segment = result == 0 ? layer_segment(&layer, SEGMENT_SINGLES) : NULL;
	layer_free(&layer);
	return *segment ? 0 : -ENOMEM;
}

static int compile_empty(const struct policy *policy, enum segment_kind kind,
			 struct segment **segment)
{
	struct layer layer;
	int result = layer_init(&layer, seed_of(policy), 0, 0);

	*segment = result == 0 ? layer_segment(&layer, kind) : NULL;
	layer_free(&layer);
	return *segment ? 0 : -ENOMEM;
}

int singles_compile(const struct policy *policy, struct segment *segment[SEGMENT_KINDS],
		    struct error *error)
{
	if (compile_all(policy, &segment[SEGMENT_SINGLES]) != 0 ||
	    compile_empty(policy, SEGMENT_LATER, &segment[SEGMENT_LATER]) != 0 ||
	    compile_empty(policy, SEGMENT_LATEST, &segment[SEGMENT_LATEST]) != 0)
		return no_memory(error);
	return 0;
}

/* What all sets say of one address. 0 or -ENOMEM. */
static int say_one(const struct policy *policy, const struct prefix *single, struct layer *layer)
{
	for (size_t i = 0; i < policy->set_count; i++) {
		const struct set_params *set = &policy->sets[i];
		const struct entry_params *entry = entries_find(&set->entries, single);

		if (entry && layer_say(layer, single, set->verdict, entry->expires_ns) != 0)
			return -ENOMEM;
	}
	layer_gone(layer, single);
	return 0;
}

struct update {
	const struct policy *policy;
	const struct prefix *changed;
	size_t count;
	struct segment *const *previous; /* by kind */
};

/* How many addresses the changes and the layers from LATEST down to `kind` have at most. */
static void count_up_to(const struct update *update, enum segment_kind kind, size_t *count4,
			size_t *count6)
{
	*count4 = *count6 = 0;
	for (size_t i = 0; i < update->count; i++)
		++*(update->changed[i].ip6 ? count6 : count4);
	for (unsigned layer = SEGMENT_LATEST; layer >= kind; layer--) {
		size_t more4, more6;

		layer_count(update->previous[layer], &more4, &more6);
		*count4 += more4;
		*count6 += more6;
	}
}

/* Join the changes and the layers from LATEST down to `kind`. 0 or -ENOMEM. */
static int join(const struct update *update, enum segment_kind kind, struct segment **segment)
{
	struct layer layer;
	size_t count4, count6;
	int result;

	count_up_to(update, kind, &count4, &count6);
	result = layer_init(&layer, seed_of(update->policy), count4, count6);
	for (size_t i = 0; result == 0 && i < update->count; i++)
		result = say_one(update->policy, &update->changed[i], &layer);
	for (unsigned earlier = SEGMENT_LATEST; result == 0 && earlier >= kind; earlier--)
		result = layer_take(&layer, update->previous[earlier]);
	*segment = result == 0 ? layer_segment(&layer, kind) : NULL;
	layer_free(&layer);
	return *segment ? 0 : -ENOMEM;
}
_Static_assert((int)SEGMENT_LATEST == (int)SEGMENT_LATER + 1, "layers follow one another");

static bool fits(const struct update *update, enum segment_kind kind, size_t most)
{
	size_t count4, count6;

	count_up_to(update, kind, &count4, &count6);
	return count4 + count6 <= most;
}

int singles_update(const struct policy *policy, const struct prefix *changed, size_t count,
		   struct segment *const previous[SEGMENT_KINDS],
		   struct segment *segment[SEGMENT_KINDS], struct error *error)
{
	struct update update = {policy, changed, count, previous};
	bool latest = count <= LATEST_MOST && fits(&update, SEGMENT_LATEST, LATEST_MOST);

	if (!latest && (count > LATER_MOST || !fits(&update, SEGMENT_LATER, LATER_MOST)))
		return singles_compile(policy, segment, error);
	segment[SEGMENT_SINGLES] = segment_ref(previous[SEGMENT_SINGLES]);
	if (latest)
		segment[SEGMENT_LATER] = segment_ref(previous[SEGMENT_LATER]);
	if (latest && count == 0)
		segment[SEGMENT_LATEST] = segment_ref(previous[SEGMENT_LATEST]);
	else if (latest ? join(&update, SEGMENT_LATEST, &segment[SEGMENT_LATEST]) != 0
			: join(&update, SEGMENT_LATER, &segment[SEGMENT_LATER]) != 0 ||
				  compile_empty(policy, SEGMENT_LATEST, &segment[SEGMENT_LATEST]) !=
					  0)
		return no_memory(error);
	return 0;
}
