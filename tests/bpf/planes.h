/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane's side: burst_decide() at every level that this CPU has, each with buckets and a
 * memory of its own, through all changes of policy.
 */
#pragma once

#include "burst.h"
#include "policies.h"

enum { PLANES = 3 };

struct plane {
	const struct burst_level *level;
	struct state *state;
	struct burst_memory memory;
	struct worker_counters counters;
};

/* Begin with full buckets, knowing nobody. */
static inline void plane_begin(struct plane *plane, struct siphash_key key, uint32_t lines)
{
	memset(plane->state, 0, state_size(lines));
	state_init(plane->state, lines, key, 0, false);
	memset(&plane->memory, 0, sizeof plane->memory);
}

/* How many levels there are. Each has so many lines for sources. */
static inline unsigned planes_init(struct plane planes[PLANES], struct siphash_key key,
				   uint32_t lines)
{
	static const char *const names[PLANES] = {"scalar", "avx2", "avx512"};
	const size_t size = (state_size(lines) + STATE_PAGE - 1) & ~(size_t)(STATE_PAGE - 1);
	unsigned count = 0;

	for (unsigned i = 0; i < PLANES; i++) {
		const struct burst_level *level = burst_level(names[i]);

		if (!level)
			continue;
		planes[count].level = level;
		planes[count].state = aligned_alloc(STATE_PAGE, size);
		if (!planes[count].state)
			abort();
		plane_begin(&planes[count++], key, lines);
	}
	return count;
}

static inline void planes_free(struct plane *planes, unsigned count)
{
	while (count > 0)
		free(planes[--count].state);
}

/* The policy's end: give back what was lent under it, and forget what it said of sources. */
static inline void planes_settle(struct plane *planes, unsigned count, const struct image *image)
{
	for (unsigned i = 0; i < count; i++) {
		burst_settle(&planes[i].memory, image, planes[i].state);
		recall_clear(&planes[i].memory.recall);
	}
}

/*
 * Whether a bucket of a rule or the host holds what `single` does. A burst asks for all that its
 * packets may need at once: that rounds their ticks another way, by less than one for each, and
 * brings a bucket that is out of its profile's reach back even if then none is charged. Where that
 * is all the difference, it is no more.
 */
static inline bool plane_word_equals(uint64_t *word, uint64_t single,
				     const struct bucket_profile *profile, uint64_t now)
{
	uint64_t ours = bucket_settled(profile, *word, now);
	uint64_t theirs = bucket_settled(profile, single, now);
	bool same = *word == single;

	*word = single;
	return same ||
	       (profile->cost && ours + BURST_MOST >= theirs && theirs + BURST_MOST >= ours);
}

/* Whether all buckets are as in `head` and those behind it, which were charged singly. */
static inline bool plane_equals(struct plane *plane, const struct image *image, struct state *head,
				uint64_t now_ns)
{
	static const struct bucket_limit none;
	uint64_t now = state_now(head, now_ns);
	bool equal = memcmp(state_line(plane->state, 0), state_line(head, 0),
			    head->source_lines * sizeof(struct source_line)) == 0;

	for (unsigned slot = 0; slot < CAP_RULE_SLOTS; slot++) {
		const struct bucket_limit *limit =
			slot < image->rule_count ? &image->rules[slot].total : &none;
		const struct rule_state *theirs = state_rule(head, (uint16_t)slot);
		struct rule_state *ours = state_rule(plane->state, (uint16_t)slot);

		equal &= memcmp(ours->overflow, theirs->overflow, sizeof ours->overflow) == 0;
		for (unsigned i = 0; i < BUCKET_RATES; i++)
			equal &= plane_word_equals(&ours->rate[i], theirs->rate[i], &limit->rate[i],
						   now);
	}
	for (unsigned i = 0; i < BUCKET_RATES; i++)
		equal &= plane_word_equals(&plane->state->host[i], head->host[i],
					   &image->settings->host.rate[i], now);
	return equal;
}
