/* SPDX-License-Identifier: BSD-3-Clause */
/* Building a layer. See layer.h. */
#include "compile/layer.h"

#include "compile/words.h"
#include "compile/writer.h"
#include "lookup.h"
#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>

/* As many lines as keep at most three ways of five taken, so that few overflow. */
static uint32_t lines_for(size_t count, unsigned ways)
{
	uint32_t lines = 1;

	while ((uint64_t)lines * ways * 3 < count * 5)
		lines *= 2;
	return count ? lines : 0;
}

/* Expiry 0, never, is interned first: the reader's table begins with it. */
int layer_init(struct layer *layer, uint64_t seed, size_t count4, size_t count6)
{
	*layer = (struct layer){
		.seed = seed,
		.lines4 = lines_for(count4, EXACT4_WAYS),
		.lines6 = lines_for(count6, EXACT6_WAYS),
	};
	layer->exact4 = calloc((size_t)layer->lines4 + 1, sizeof *layer->exact4);
	layer->exact6 = calloc((size_t)layer->lines6 + 1, sizeof *layer->exact6);
	if (!layer->exact4 || !layer->exact6)
		return -ENOMEM;
	return intern_key(&layer->expires, 0, &(uint32_t){0});
}

void layer_free(struct layer *layer)
{
	intern_free(&layer->expires);
	free(layer->pairs);
	free(layer->exact4);
	free(layer->exact6);
}

static uint32_t *word4(struct layer *layer, uint32_t line, uint32_t address)
{
	for (;; line++) {
		struct exact4 *at = &layer->exact4[line & (layer->lines4 - 1)];

		for (unsigned way = 0; way < EXACT4_WAYS; way++) {
			if (at->word[way] == 0)
				at->address[way] = address;
			if (at->address[way] == address)
				return &at->word[way];
		}
	}
}

static uint32_t *word6(struct layer *layer, uint32_t line, struct address address)
{
	for (;; line++) {
		struct exact6 *at = &layer->exact6[line & (layer->lines6 - 1)];

		for (unsigned way = 0; way < EXACT6_WAYS; way++) {
			if (at->word[way] == 0)
				at->address[way] = address;
			if (at->address[way].hi == address.hi && at->address[way].lo == address.lo)
				return &at->word[way];
		}
	}
}

/* The word of an address: zero, and to be set, if it had none. */
static uint32_t *word_of(struct layer *layer, bool ip6, struct address address)
{
	uint32_t spread = singles_spread(ip6, address, layer->seed);

	return ip6 ? word6(layer, spread, address) : word4(layer, spread, (uint32_t)address.lo);
}

/* A word for both. 0 or -ENOMEM. */
static int pair_add(struct layer *layer, uint32_t block, uint32_t allow, uint32_t *word)
{
	struct set_pair *pairs = grow(layer->pairs, &layer->pair_capacity,
				      (size_t)layer->pair_count + 1, sizeof *pairs);

	if (!pairs)
		return -ENOMEM;
	layer->pairs = pairs;
	layer->pairs[layer->pair_count] = (struct set_pair){block, allow};
	*word = set_word(SET_PAIR, layer->pair_count++);
	return 0;
}

/* Say `more`, allow or block, besides what *word says. */
static int word_join(struct layer *layer, uint32_t *word, uint32_t more)
{
	bool block = set_verdict(more) == SET_BLOCK;

	if (*word == 0) {
		*word = more;
	} else if (set_verdict(*word) == SET_PAIR) {
		struct set_pair *pair = &layer->pairs[set_expiry(*word)];
		uint32_t *said = block ? &pair->block : &pair->allow;

		*said = word_longer(&layer->expires, *said, more);
	} else if (set_verdict(*word) == set_verdict(more)) {
		*word = word_longer(&layer->expires, *word, more);
	} else {
		return pair_add(layer, block ? more : *word, block ? *word : more, word);
	}
	return 0;
}

int layer_say(struct layer *layer, const struct prefix *single, uint8_t verdict,
	      uint64_t expires_ns)
{
	uint32_t expiry;

	if (intern_key(&layer->expires, expires_ns, &expiry) != 0)
		return -ENOMEM;
	return word_join(layer, word_of(layer, single->ip6, single->address),
			 set_word(verdict, expiry));
}

void layer_gone(struct layer *layer, const struct prefix *single)
{
	uint32_t *word = word_of(layer, single->ip6, single->address);

	if (*word == 0)
		*word = SET_GONE;
}

static const void *array_of(const struct segment *segment, unsigned array, size_t *count)
{
	const struct segment_header *header = segment->data;

	if (count)
		*count = header->array[array].count;
	return (const char *)segment->data + header->array[array].offset;
}

/* The same word with this layer's expiry. */
static int word_move(struct layer *layer, const uint64_t *expires, uint32_t word, uint32_t *moved)
{
	uint32_t expiry;

	if (intern_key(&layer->expires, expires[set_expiry(word)], &expiry) != 0)
		return -ENOMEM;
	*moved = set_word(set_verdict(word), expiry);
	return 0;
}

static int take_word(struct layer *layer, const struct segment *earlier, bool ip6,
		     struct address address, uint32_t word)
{
	const struct set_pair *pairs = array_of(earlier, SINGLES_PAIRS, NULL);
	const uint64_t *expires = array_of(earlier, SINGLES_EXPIRES, NULL);
	uint32_t *own = word_of(layer, ip6, address), block, allow;

	if (*own != 0)
		return 0;
	if (word == SET_GONE) {
		*own = word;
		return 0;
	}
	if (set_verdict(word) != SET_PAIR)
		return word_move(layer, expires, word, own);
	if (word_move(layer, expires, pairs[set_expiry(word)].block, &block) != 0 ||
	    word_move(layer, expires, pairs[set_expiry(word)].allow, &allow) != 0)
		return -ENOMEM;
	return pair_add(layer, block, allow, own);
}

int layer_take(struct layer *layer, const struct segment *earlier)
{
	size_t lines4, lines6;
	const struct exact4 *exact4 = array_of(earlier, SINGLES_EXACT4, &lines4);
	const struct exact6 *exact6 = array_of(earlier, SINGLES_EXACT6, &lines6);
	int result = 0;

	for (size_t i = 0; result == 0 && i < lines4 * EXACT4_WAYS; i++) {
		const struct exact4 *line = &exact4[i / EXACT4_WAYS];
		unsigned way = i % EXACT4_WAYS;
		struct address address = {0, line->address[way]};

		if (line->word[way])
			result = take_word(layer, earlier, false, address, line->word[way]);
	}
	for (size_t i = 0; result == 0 && i < lines6 * EXACT6_WAYS; i++) {
		const struct exact6 *line = &exact6[i / EXACT6_WAYS];
		unsigned way = i % EXACT6_WAYS;

		if (line->word[way])
			result = take_word(layer, earlier, true, line->address[way],
					   line->word[way]);
	}
	return result;
}

void layer_count(const struct segment *segment, size_t *count4, size_t *count6)
{
	size_t lines4, lines6;
	const struct exact4 *exact4 = array_of(segment, SINGLES_EXACT4, &lines4);
	const struct exact6 *exact6 = array_of(segment, SINGLES_EXACT6, &lines6);

	*count4 = *count6 = 0;
	for (size_t i = 0; i < lines4 * EXACT4_WAYS; i++)
		*count4 += exact4[i / EXACT4_WAYS].word[i % EXACT4_WAYS] != 0;
	for (size_t i = 0; i < lines6 * EXACT6_WAYS; i++)
		*count6 += exact6[i / EXACT6_WAYS].word[i % EXACT6_WAYS] != 0;
}

struct segment *layer_segment(const struct layer *layer, enum segment_kind kind)
{
	struct writer writer = {.kind = kind};

	writer_array(&writer, SINGLES_SEED, &layer->seed, 1);
	writer_array(&writer, SINGLES_EXACT4, layer->exact4, layer->lines4);
	writer_array(&writer, SINGLES_EXACT6, layer->exact6, layer->lines6);
	writer_array(&writer, SINGLES_PAIRS, layer->pairs, layer->pair_count);
	writer_array(&writer, SINGLES_EXPIRES, layer->expires.keys, layer->expires.count);
	return writer_segment(&writer);
}
