/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to an image about one packet: sets, origin, service, guard. */
#pragma once

#include "image.h"
#include "word.h"

/* Spread a key over lines; the multipliers are those of MurmurHash3's 64-bit finaliser. */
static inline uint32_t lookup_spread(uint64_t key, uint64_t seed)
{
	key ^= seed;
	key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
	key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(key >> 32);
}

/* Whose low bits are the line of a single address in every layer; IPv4 in the low 32 bits. */
static inline uint32_t singles_spread(bool ip6, struct address address, uint64_t seed)
{
	return lookup_spread(ip6 ? address.hi ^ siphash_rotate(address.lo, 23) : address.lo, seed);
}

#ifdef __bpf__

/* The word beside `address` in a line, or 0. BPF has no vectors, and compares only to branch. */
static inline uint32_t exact4_word(const struct exact4 *line, uint32_t address)
{
	for (unsigned way = 0; way < EXACT4_WAYS; way++) {
		if (line->address[way] == address)
			return line->word[way];
	}
	return 0;
}

#else

/* Half a line's addresses, or words, as one vector: the widest that every level has. */
typedef uint32_t exact4_vector __attribute__((vector_size(2 * EXACT4_WAYS)));
typedef uint64_t exact4_pair __attribute__((vector_size(2 * EXACT4_WAYS)));

static inline exact4_vector exact4_load(const uint32_t *ways)
{
	exact4_vector vector;

	__builtin_memcpy(&vector, ways, sizeof vector);
	return vector;
}

/* The word beside `address` in a line, or 0: all ways at once, as nobody can predict which. */
static inline uint32_t exact4_word(const struct exact4 *line, uint32_t address)
{
	const uint32_t *low = line->address, *high = low + EXACT4_WAYS / 2;
	exact4_pair found;
	uint64_t word;

	found = (exact4_pair)(((exact4_load(low) == address) & exact4_load(line->word)) |
			      ((exact4_load(high) == address) &
			       exact4_load(line->word + EXACT4_WAYS / 2)));
	word = found[0] | found[1];
	return (uint32_t)(word | word >> 32);
}

#endif

/* The word of a single IPv4 address, or 0. Ways fill in order; a full line continues. */
ALONE uint32_t exact4_find(const struct singles *layer, uint32_t spread, uint32_t address)
{
	unsigned turns = 0;

	ASSURED(layer);
	for (uint32_t tried = 0; tried <= layer->mask4 && loop_may_turn(&turns, TURNS_SINGLES);
	     tried++) {
		const struct exact4 *at = REACH(&layer->exact4[(spread + tried) & layer->mask4]);
		uint32_t word = exact4_word(at, address);

		if (word != 0 || at->word[EXACT4_WAYS - 1] == 0)
			return word;
	}
	return 0;
}

ALONE uint32_t exact6_find(const struct singles *layer, uint32_t spread, uint64_t hi, uint64_t lo)
{
	unsigned turns = 0;

	ASSURED(layer);
	for (uint32_t tried = 0; tried <= layer->mask6 && loop_may_turn(&turns, TURNS_SINGLES);
	     tried++) {
		const struct exact6 *at = REACH(&layer->exact6[(spread + tried) & layer->mask6]);

		for (unsigned way = 0; way < EXACT6_WAYS; way++) {
			if (at->word[way] == 0)
				return 0;
			if (at->address[way].hi == hi && at->address[way].lo == lo)
				return at->word[way];
		}
	}
	return 0;
}

/*
 * Fetch the lines that singles_find() will look at for a source. Inlined at once, as a compiler
 * that finds a call to have no effect drops it, and sees none in a prefetch.
 */
static inline __attribute__((always_inline)) void singles_prefetch(const struct image *image,
								   bool ip6, struct address address)
{
	uint32_t spread = singles_spread(ip6, address, image->singles_seed);

	for (unsigned i = 0; i < SINGLES_LAYERS; i++) {
		const struct singles *layer = &image->singles[i];

		if (ip6)
			__builtin_prefetch(&layer->exact6[spread & layer->mask6]);
		else
			__builtin_prefetch(&layer->exact4[spread & layer->mask4]);
	}
}

static inline bool set_expired(const uint64_t *expires, uint32_t word, uint64_t now_ns)
{
	uint64_t at = READ(expires[set_expiry(word)]);

	return at != 0 && at <= now_ns;
}

/* What a word of a layer says now: SET_ALLOW, SET_BLOCK or 0. */
static inline uint32_t singles_verdict(const struct singles *layer, uint32_t word, uint64_t now_ns)
{
	if (set_verdict(word) == SET_PAIR) {
		const struct set_pair pair = READ(layer->pairs[set_expiry(word)]);

		word = set_expired(layer->expires, pair.block, now_ns) ? pair.allow : pair.block;
	}
	if (word == SET_GONE || set_expired(layer->expires, word, now_ns))
		return 0;
	return set_verdict(word);
}

/* What the sets say of a source as a single address: SET_ALLOW, SET_BLOCK or 0. */
static inline uint32_t singles_find(const struct image *image, bool ip6, struct address address,
				    uint64_t now_ns)
{
	uint32_t spread = singles_spread(ip6, address, image->singles_seed);

	for (unsigned i = 0; i < SINGLES_LAYERS; i++) {
		const struct singles *layer = &image->singles[i];
		uint32_t word;

		if (ip6 ? NOWHERE(layer->exact6) : NOWHERE(layer->exact4))
			continue;
		word = ip6 ? exact6_find(layer, spread, address.hi, address.lo)
			   : exact4_find(layer, spread, (uint32_t)address.lo);

		if (word != 0)
			return singles_verdict(layer, word, now_ns);
	}
	return 0;
}

ALONE uint32_t sets_find(const struct image *image, bool ip6, uint64_t hi, uint64_t lo,
			 uint64_t now_ns)
{
	const struct address source = {hi, lo};
	uint32_t verdict, entry;
	unsigned turns = 0;

	ASSURED(image);
	verdict = singles_find(image, ip6, source, now_ns);
	if (verdict != 0)
		return verdict;
	entry = range_find(&image->sets, ip6, source, SET_NONE);
	while (entry != SET_NONE && loop_may_turn(&turns, TURNS_CHAIN)) {
		const struct set_entry at = READ(image->set_entries[entry]);

		if (!set_expired(image->set_expires, at.word, now_ns))
			return set_verdict(at.word);
		entry = at.next;
	}
	return 0;
}

/* SET_ALLOW, SET_BLOCK or 0: the longest unexpired entry that holds the source. */
static inline uint32_t set_find(const struct image *image, bool ip6, struct address source,
				uint64_t now_ns)
{
	return sets_find(image, ip6, source.hi, source.lo, now_ns);
}

/* The origin of a source; ORIGIN_UNMAPPED or another where no feed knows it. */
static inline uint16_t origin_find(const struct image *image, bool ip6, struct address source)
{
	return (uint16_t)range_find(&image->origin, ip6, source, ORIGIN_UNMAPPED);
}

/* The port class: by port where there is one, by protocol alone where there is not. */
static inline uint16_t port_class(const struct image *image, const struct packet *packet)
{
	if (packet->flags & PACKET_FRAGMENT)
		return READ(image->port_fragment[packet->protocol]);
	if (!(packet->flags & PACKET_PORTS))
		return READ(image->port_protocol[packet->protocol]);
	return packet->protocol == PROTO_TCP ? READ(image->port_tcp[packet->destination_port])
					     : READ(image->port_udp[packet->destination_port]);
}

/* The service, or NONE. */
static inline uint16_t service_find(const struct image *image, const struct packet *packet)
{
	uint32_t row =
		range_find(&image->destination, packet->kind == PACKET_IP6, packet->destination, 0);

	return READ(image->cells[(size_t)row * image->port_classes + port_class(image, packet)]);
}

static inline bool guard_port(const struct image *image, const struct packet *packet)
{
	const uint64_t *ports = packet->protocol == PROTO_TCP ? image->guard_tcp : image->guard_udp;
	uint16_t port = packet->destination_port;

	return packet->flags & PACKET_PORTS && ports && READ(ports[port / 64]) >> port % 64 & 1;
}

/* Whether what the packet is for is guarded, whoever sent it. */
static inline bool guard_target(const struct image *image, const struct packet *packet)
{
	return guard_port(image, packet) ||
	       range_find(&image->guard_destination, packet->kind == PACKET_IP6,
			  packet->destination, 0);
}

static inline bool guard_source(const struct image *image, bool ip6, struct address source)
{
	return range_find(&image->guard_source, ip6, source, 0);
}

/* The hash that shedding compares with a rule's `admit`: SipHash of the key as on the wire. */
static inline uint32_t shed_hash(struct siphash_key salt, bool ip6, struct address source)
{
	uint64_t key = source_key(ip6, source);

	return (uint32_t)(ip6 ? siphash_8(salt, __builtin_bswap64(key))
			      : siphash_4(salt, __builtin_bswap32((uint32_t)key)));
}

/* What an image says of all packets that are for the same: see packet_target(). */
struct target_facts {
	uint32_t choices; /* where in image->choice its rules by origin begin */
	uint16_t service; /* index, or NONE */
	uint16_t guarded; /* not zero: whoever sent it */
};
_Static_assert(sizeof(struct target_facts) == 8, "one word");

static inline struct target_facts target_find(const struct image *image,
					      const struct packet *packet)
{
	uint16_t service = service_find(image, packet);
	uint32_t row = service == NONE ? image->service_count : service;

	return (struct target_facts){
		.choices = row * image->origin_count,
		.service = service,
		.guarded = guard_target(image, packet),
	};
}

/* What an image says of all packets of one source. */
struct source_facts {
	struct address address;
	uint64_t hash;   /* of its key: see state_source_of() */
	uint32_t shed;   /* shed_hash() */
	uint16_t origin; /* index; ORIGIN_UNMAPPED where nobody asked */
	uint8_t kind;    /* enum packet_kind; zero where there is nothing */
	uint8_t reason;  /* what ends its packets before rules are asked, or REASON_DEFAULT */
};
_Static_assert(sizeof(struct source_facts) == 32, "two to a cache line");

/* The cell of a source in the direct table; one that answers nothing where there is none. */
static inline uint16_t direct_cell(const struct image *image, bool ip6, struct address source)
{
	if (ip6 || !image->direct4)
		return DIRECT_SPLIT | DIRECT_HELD;
	return WORD_LOAD(REACH(&image->direct4[(uint32_t)source.lo >> 8]));
}

/* Fetch what will be looked at first about a source. Inlined at once: see singles_prefetch(). */
static inline __attribute__((always_inline)) void source_prefetch(const struct image *image,
								  bool ip6, struct address source)
{
	if (image->direct4 && !ip6)
		__builtin_prefetch(&image->direct4[(uint32_t)source.lo >> 8]);
	else
		range_prefetch(&image->origin, ip6, source);
}

/* Stages 3 and 4 as far as they depend on the source: what ends its packets, or REASON_DEFAULT. */
static inline enum reason source_reason(const struct image *image, bool ip6, struct address source,
					uint64_t now_ns)
{
	uint32_t set;

	if (guard_source(image, ip6, source))
		return REASON_GUARD;
	set = set_find(image, ip6, source, now_ns);
	return set == 0 ? REASON_DEFAULT : set == SET_BLOCK ? REASON_BLOCKED : REASON_ALLOWED;
}

/* Fill in the reason and, unless that ends all, the origin of a source, whose cell is `cell`. */
static inline void source_look(const struct image *image, uint16_t cell, uint64_t now_ns,
			       struct source_facts *facts)
{
	bool ip6 = facts->kind == PACKET_IP6;
	uint16_t origin = cell & (uint16_t)~DIRECT_HELD;

	facts->reason = REASON_DEFAULT;
	facts->origin = ORIGIN_UNMAPPED;
	if (cell & DIRECT_HELD)
		facts->reason = source_reason(image, ip6, facts->address, now_ns);
	if (facts->reason == REASON_DEFAULT)
		facts->origin =
			origin == DIRECT_SPLIT ? origin_find(image, ip6, facts->address) : origin;
}
