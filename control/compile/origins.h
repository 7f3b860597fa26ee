/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Origins: the feeds' prefixes and those that groups name, cut into what groups can tell
 * apart, and which group holds which of it.
 */
#pragma once

#include "compile/feed.h"
#include "compile/intern.h"
#include "compile/writer.h"

/*
 * What groups can tell of a source, in one word, so that origins can be interned. `marks`
 * is a class of origin_mark()s. Zero is an address that nothing names.
 */
typedef uint64_t origin_key;

static inline origin_key origin_key_make(uint16_t country, uint32_t asn, uint32_t marks)
{
	return (uint64_t)marks << 49 | UINT64_C(1) << 48 | (uint64_t)country << 32 | asn;
}

static inline struct origin origin_of_key(origin_key key)
{
	return (struct origin){
		.country = {(char)(key >> 32), (char)(key >> 40)},
		.mapped = key >> 48 & 1,
		.asn = (uint32_t)key,
	};
}

static inline uint32_t origin_marks(origin_key key)
{
	return (uint32_t)(key >> 49);
}

static inline origin_key origin_with_marks(origin_key key, uint32_t marks)
{
	return (key & ((UINT64_C(1) << 49) - 1)) | (uint64_t)marks << 49;
}
_Static_assert(CAP_CLASSES <= 1 << 15, "a class fits an origin_key");

/* A group's prefix terms hold an address: those that add to it, or those that take away. */
static inline uint16_t origin_mark(uint16_t group, bool negative)
{
	return (uint16_t)(2 * group + negative);
}
_Static_assert(2 * CAP_GROUPS <= UINT16_MAX, "a mark fits a class member");

/*
 * Which origins each group holds: a bit for each origin of the image, then one for each
 * phantom, an origin that the policy mentions and today's feeds need not contain: what is
 * said of all origins should not depend on the day.
 */
struct membership {
	unsigned references;
	uint32_t origins; /* of the image */
	uint32_t records; /* with phantoms */
	uint32_t words;   /* of a row */
	uint32_t groups;
	uint64_t *rows; /* [groups], then all, then the unmapped */
};

/*
 * Build SEGMENT_ORIGINS and the membership of the policy's groups, both with one
 * reference. The groups' prefixes join the feeds'. 0, or -1 with *error and neither.
 */
int origins_compile(const struct policy *policy, struct feed_data *feeds, struct segment **segment,
		    struct membership **membership, struct error *error);

/*
 * The membership for `count` keys, the first `origins` of which are the image's.
 * NULL: no memory.
 */
struct membership *membership_new(const struct policy *policy, const struct classes *classes,
				  const origin_key *keys, uint32_t count, uint32_t origins);

struct membership *membership_ref(struct membership *membership); /* NULL is fine, and below */
void membership_unref(struct membership *membership);

/* 64 origins from 64 * `word` on, as a group (or the rows after the last) holds them. */
static inline uint64_t membership_row(const struct membership *membership, size_t row,
				      uint32_t word)
{
	return membership->rows[row * membership->words + word];
}

/* Likewise those that the rule is about, whatever its service. */
static inline uint64_t membership_word(const struct membership *membership,
				       const struct rule_params *rule, uint32_t word)
{
	uint32_t group = rule->origin == NONE ? membership->groups : rule->origin;
	uint64_t bits = membership_row(membership, group, word);

	if (rule->unmapped)
		bits &= membership_row(membership, membership->groups + (size_t)1, word);
	return bits;
}
