/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-2-4, the keyed 64-bit hash of Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF" (INDOCRYPT 2012). Whoever does not know the key can neither predict
 * an output nor find inputs that collide.
 */
#pragma once

#include "reach.h"

#include <stddef.h>
#include <stdint.h>

/* A 128-bit key: the paper's k0 and k1, each the little-endian reading of 8 key bytes. */
struct siphash_key {
	uint64_t k0, k1;
};

struct siphash_state {
	uint64_t v0, v1, v2, v3;
};

static inline struct siphash_key siphash_key_from(const uint8_t bytes[16])
{
	struct siphash_key key;
	__builtin_memcpy(&key, bytes, sizeof key);
	return key;
}

static inline uint64_t siphash_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline struct siphash_state siphash_start(struct siphash_key key)
{
	return (struct siphash_state){
		.v0 = key.k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key.k1 ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key.k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key.k1 ^ UINT64_C(0x7465646279746573),
	};
}

static inline void siphash_round(struct siphash_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
	s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
	s->v0 = siphash_rotate(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
	s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
	s->v2 = siphash_rotate(s->v2, 32);
}

static inline void siphash_word(struct siphash_state *s, uint64_t word)
{
	s->v3 ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= word;
}

static inline uint64_t siphash_finish(struct siphash_state *s)
{
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* siphash_last() by the halves of a key. */
ALONE uint64_t siphash_one(uint64_t k0, uint64_t k1, uint64_t word)
{
	struct siphash_state s = siphash_start((struct siphash_key){k0, k1});
	siphash_word(&s, word);
	return siphash_finish(&s);
}

/* The hash of a message whose only word is `word`: of up to seven bytes, with their number on top.
 */
static inline uint64_t siphash_last(struct siphash_key key, uint64_t word)
{
	return siphash_one(key.k0, key.k1, word);
}

/* The hash of exactly four bytes, given as their little-endian word. */
static inline uint64_t siphash_4(struct siphash_key key, uint32_t word)
{
	return siphash_last(key, UINT64_C(4) << 56 | word);
}

/* The hash of exactly eight bytes, given as their little-endian word. */
static inline uint64_t siphash_8(struct siphash_key key, uint64_t word)
{
	struct siphash_state s = siphash_start(key);
	siphash_word(&s, word);
	siphash_word(&s, UINT64_C(8) << 56);
	return siphash_finish(&s);
}

/* The hash of `size` bytes at `data`, any alignment. */
static inline uint64_t siphash(struct siphash_key key, const void *data, size_t size)
{
	struct siphash_state s = siphash_start(key);
	const uint8_t *p = data;
	uint64_t word;

	for (size_t whole = size / 8; whole > 0; whole--, p += 8) {
		__builtin_memcpy(&word, p, sizeof word);
		siphash_word(&s, word);
	}
	word = (uint64_t)size << 56;
	for (size_t i = 0; i < size % 8; i++)
		word |= (uint64_t)p[i] << (8 * i);
	siphash_word(&s, word);
	return siphash_finish(&s);
}
