/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source lines: a fixed table of buckets, one for each source under each rule and rate. A line
 * is a cache line with room for six, and a source's bucket lies in its one line or, when that was
 * full of live buckets as it came, in the line's neighbour. A bucket that has been idle long
 * enough to be full again is nobody's loss: its way is given to whoever comes next, so nothing is
 * ever scanned, moved or timed out.
 *
 * A flood of sources that are never seen again must not push out those that come back. A way
 * whose source came back is therefore kept for a while longer, in at most half of a line's
 * ways, so that newcomers still find room.
 *
 * A way is known by 16 bits of keyed hash, beside those that chose the line. With every line
 * full, one source in 11,000 shares the bucket of another, which can only make both wait; who
 * does not know the key cannot choose which.
 */
#pragma once

#include "bucket.h"
#include "word.h"

enum {
	SOURCE_WAYS = 6,
	/* Lines come in groups, in which the number of one leads to the others by XOR. */
	SOURCE_NEIGHBOUR = 1, /* takes what finds no room in a line */
	SOURCE_BYTES = 2, /* has a source's buckets for bytes, where a line has those for packets */
	SOURCE_GROUP = 4,
	SOURCE_KEPT = SOURCE_WAYS / 2,
};

/* How long a way is kept for a source that came back, after its bucket is full again. */
#define SOURCE_KEEP_TICKS (UINT64_C(8000000000) << BUCKET_TICK_BITS)

/*
 * The tags of ways 0 to 3 are the lanes of tags[0], from the low end; those of 4 and 5 the low
 * lanes of tags[1]. Above them lie a bit for each way whose source came back; the time in ticks,
 * but for its lower SPILL_SHIFT bits, until which sources of this line have buckets elsewhere;
 * and a bit that says that in that time there was no room for one in the neighbour either.
 */
struct source_line {
	_Alignas(64) uint64_t state[SOURCE_WAYS]; /* see bucket.h; zero is full, and free */
	uint64_t tags[2];
};
_Static_assert(sizeof(struct source_line) == 64, "one cache line");

enum {
	TAG_BITS = 16,
	TAG_LANES = 4, /* of a word */
	CAME_BACK_SHIFT = 32,
	OVERFLOW_SHIFT = CAME_BACK_SHIFT + SOURCE_WAYS,
	SPILL_SHIFT, /* steps of 2.1 seconds */
};
#define TAG_LOW_BITS UINT64_C(0x0001000100010001)
#define TAG_NO_LANE  (UINT64_C(1) << (3 * TAG_BITS - 1))

/*
 * Lines for so many sources with live buckets at one time: 27 bytes for each. So filled, 6 of
 * 1,000 lie in the neighbour of their line, and 5 of 10,000 find both full.
 */
static inline uint32_t source_lines_for(uint64_t sources)
{
	uint64_t lines = sources * 27 / 64;

	return lines < SOURCE_GROUP ? SOURCE_GROUP
				    : (uint32_t)(lines & ~(SOURCE_GROUP - UINT64_C(1)));
}

/* What knows a source under a rule within its line. */
static inline uint16_t source_tag(uint64_t hash, uint32_t rule_id)
{
	return (uint16_t)(hash >> 8 ^ rule_id);
}

/*
 * The top bit of each lane that equals `tag`, and maybe of some above the first such: the test
 * for a zero byte of "Hacker's Delight" (Warren, section 6-1), in lanes of 16 bits.
 */
static inline uint64_t tag_lanes(uint64_t lanes, uint16_t tag)
{
	uint64_t differ = lanes ^ tag * TAG_LOW_BITS;

	return (differ - TAG_LOW_BITS) & ~differ & TAG_LOW_BITS << (TAG_BITS - 1);
}

/* The first of tag_lanes(), of which there is one. BPF cannot count zeros: it looks the lane up. */
static inline unsigned tag_lane(uint64_t lanes)
{
#ifdef __bpf__
	uint64_t first = (lanes & -lanes) >> (TAG_BITS - 1);

	return (unsigned)(first * UINT64_C(0x000100020003) >> 3 * TAG_BITS) & (TAG_LANES - 1);
#else
	return (unsigned)__builtin_ctzll(lanes) / 16;
#endif
}

/* The way of `tag`, or SOURCE_WAYS. */
static inline unsigned source_way(const struct source_line *line, uint16_t tag)
{
	/* Lane 2 of the second word is taken to match: there are no ways from there on. */
	uint64_t low = tag_lanes(word_load(&line->tags[0]), tag);
	uint64_t high = tag_lanes(word_load(&line->tags[1]), tag) | TAG_NO_LANE;

	return low ? tag_lane(low) : TAG_LANES + tag_lane(high);
}

static inline bool source_came_back(const struct source_line *line, unsigned way)
{
	return word_load(&line->tags[1]) >> (CAME_BACK_SHIFT + way) & 1;
}

/* Whether so many ways of a line are kept for those who came back that no more may be. */
static inline bool source_keeps_enough(uint64_t tags)
{
	uint64_t kept = tags >> CAME_BACK_SHIFT & ((1 << SOURCE_WAYS) - 1);

	for (unsigned i = 1; i < SOURCE_KEPT; i++)
		kept &= kept - 1;
	return kept != 0;
}

/* The source of `way` is here again: remember that, if there is room to. */
static inline void source_keep(struct source_line *line, unsigned way, bool shared)
{
	uint64_t old = word_load(&line->tags[1]);
	unsigned turns = 0;

	if (__builtin_expect(old >> (CAME_BACK_SHIFT + way) & 1, true))
		return;
	while (!source_keeps_enough(old) &&
	       !word_swap(shared, &line->tags[1], &old,
			  old | UINT64_C(1) << (CAME_BACK_SHIFT + way)) &&
	       loop_may_turn(&turns, TURNS_SWAP))
		;
}

/* The way that has been free for longest, or SOURCE_WAYS: all are taken or kept. */
static inline unsigned source_free_way(const struct source_line *line, uint64_t now)
{
	uint64_t oldest = now;
	unsigned found = SOURCE_WAYS;

	for (unsigned i = 0; i < SOURCE_WAYS; i++) {
		uint64_t state = word_load(&line->state[i]);
		uint64_t until = state + (source_came_back(line, i) ? SOURCE_KEEP_TICKS : 0);

		if (until <= now && state <= oldest) {
			oldest = state;
			found = i;
		}
	}
	return found;
}

/* Give `way` to the source of `tag`, its bucket in `state`. */
static inline void source_claim(struct source_line *line, unsigned way, uint16_t tag,
				uint64_t state, bool shared)
{
	unsigned shift = way % 4 * TAG_BITS;
	uint64_t *tags = &line->tags[way / 4], old = word_load(tags);
	uint64_t back = UINT64_C(1) << (CAME_BACK_SHIFT + way);
	unsigned turns = 0;

	while (!word_swap(shared, tags, &old,
			  (old & ~(UINT64_C(0xffff) << shift)) | (uint64_t)tag << shift) &&
	       loop_may_turn(&turns, TURNS_SWAP))
		;
	old = word_load(&line->tags[1]);
	turns = 0;
	while (old & back && !word_swap(shared, &line->tags[1], &old, old & ~back) &&
	       loop_may_turn(&turns, TURNS_SWAP))
		;
	word_store(&line->state[way], state);
}

/* Whether sources of this line have buckets elsewhere. */
static inline bool source_spilled(const struct source_line *line, uint64_t now)
{
	return word_load(&line->tags[1]) >> SPILL_SHIFT > now >> SPILL_SHIFT;
}

/* Whether some of them found no room in the neighbour. */
static inline bool source_overflowed(const struct source_line *line, uint64_t now)
{
	return source_spilled(line, now) && word_load(&line->tags[1]) >> OVERFLOW_SHIFT & 1;
}

/*
 * A source of this line has its bucket elsewhere, with debts until at most `until`; `overflow`: it
 * shares one, as there was no room in the neighbour.
 */
static inline void source_spill(struct source_line *line, uint64_t until, bool overflow,
				uint64_t now, bool shared)
{
	uint64_t old = word_load(&line->tags[1]), new;
	unsigned turns = 0;

	do {
		uint64_t step = (until >> SPILL_SHIFT) + 1, former = old >> SPILL_SHIFT;
		bool keeps = former > now >> SPILL_SHIFT && old >> OVERFLOW_SHIFT & 1;

		new = (former > step ? former : step) << SPILL_SHIFT |
		      (uint64_t)(overflow | keeps) << OVERFLOW_SHIFT |
		      (old & ((UINT64_C(1) << OVERFLOW_SHIFT) - 1));
	} while (new != old && !word_swap(shared, &line->tags[1], &old, new) &&
		 loop_may_turn(&turns, TURNS_SWAP));
}
