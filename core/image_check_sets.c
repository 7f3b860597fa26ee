/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes the segments of sets harmless to read. See image.h. */
#include "image_check.h"

static bool bad_set_word(uint32_t word, uint64_t expires)
{
	return set_expiry(word) >= expires || set_verdict(word) < SET_ALLOW ||
	       set_verdict(word) > SET_BLOCK;
}

/* Times are signed once they are moved to another clock: see segment_rebase_expiry(). */
static int check_expires(const struct check *check, unsigned at)
{
	const uint64_t *expires = array_at(check, at);
	uint64_t count = array_count(check, at);

	if (count == 0 || expires[0] != 0)
		return refuse(check, (int)at, "does not begin with never");
	for (uint64_t i = 1; i < count; i++) {
		if (expires[i] == 0 || expires[i] > INT64_MAX)
			return refuse(check, (int)at, "value out of range");
	}
	return 0;
}

int check_sets(const struct check *check)
{
	uint64_t entries = array_count(check, SETS_ENTRIES);
	uint64_t expires = array_count(check, SETS_EXPIRES);
	const struct set_entry *entry = array_at(check, SETS_ENTRIES);
	int result;

	if ((result = check_expires(check, SETS_EXPIRES)))
		return result;
	for (uint64_t i = 0; i < entries; i++) {
		if (bad_set_word(entry[i].word, expires))
			return refuse(check, SETS_ENTRIES, "value out of range");
		if (entry[i].next != SET_NONE && (entry[i].next <= i || entry[i].next >= entries))
			return refuse(check, SETS_ENTRIES, "chain does not end");
	}
	return check_range(check, SETS_INDEX4, entries, true);
}

/* Whether a word of a single address, 0 for none, leads nowhere. */
static bool bad_single(uint32_t word, uint64_t expires, uint64_t pairs)
{
	if (set_verdict(word) == SET_PAIR)
		return set_expiry(word) >= pairs;
	return word > SET_GONE && bad_set_word(word, expires);
}

static bool bad_words(const uint32_t *word, unsigned ways, uint64_t expires, uint64_t pairs)
{
	bool bad = false;

	for (unsigned i = 0; i < ways; i++)
		bad |= bad_single(word[i], expires, pairs);
	return bad;
}

/* A line is looked up in all its ways at once: the words of an address twice in it would mix. */
static bool is_twice(const struct exact4 *line)
{
	for (unsigned i = 1; i < EXACT4_WAYS; i++) {
		for (unsigned j = 0; line->word[i] && j < i; j++) {
			if (line->address[i] == line->address[j] && line->word[j])
				return true;
		}
	}
	return false;
}

static int check_lines(const struct check *check, unsigned at)
{
	uint64_t expires = array_count(check, SINGLES_EXPIRES);
	uint64_t pairs = array_count(check, SINGLES_PAIRS), lines = array_count(check, at);
	const struct exact4 *line4 = array_at(check, at);
	const struct exact6 *line6 = array_at(check, at);

	if ((lines & (lines - 1)) != 0 || lines > UINT64_C(1) << 31)
		return refuse(check, (int)at, "not a power of two");
	for (uint64_t i = 0; i < lines; i++) {
		if (at == SINGLES_EXACT4 ? bad_words(line4[i].word, EXACT4_WAYS, expires, pairs)
					 : bad_words(line6[i].word, EXACT6_WAYS, expires, pairs))
			return refuse(check, (int)at, "value out of range");
		if (at == SINGLES_EXACT4 && is_twice(&line4[i]))
			return refuse(check, (int)at, "an address twice in a line");
	}
	return 0;
}

int check_singles(const struct check *check)
{
	uint64_t expires = array_count(check, SINGLES_EXPIRES);
	const struct set_pair *pair = array_at(check, SINGLES_PAIRS);
	int result;

	if (array_count(check, SINGLES_SEED) != 1)
		return refuse(check, SINGLES_SEED, "not one");
	if ((result = check_expires(check, SINGLES_EXPIRES)))
		return result;
	for (uint64_t i = 0; i < array_count(check, SINGLES_PAIRS); i++) {
		if (bad_set_word(pair[i].block, expires) || bad_set_word(pair[i].allow, expires))
			return refuse(check, SINGLES_PAIRS, "value out of range");
	}
	result = check_lines(check, SINGLES_EXACT4);
	return result ? result : check_lines(check, SINGLES_EXACT6);
}
