/* SPDX-License-Identifier: BSD-3-Clause */
/* See burst.h. Compiled once for each level, as BURST_DECIDE. */
#include "burst.h"
#include "parse.h"

/*
 * A prefetch has no effect that a compiler knows of, so a function of nothing else is dropped
 * unless it is part of one that does more.
 */
#define STAGE static inline __attribute__((always_inline))

/* Some of a burst's packets, by their place in it, in the order they arrived. */
struct places {
	unsigned count;
	uint16_t place[BURST_MOST];
};

/* What the rules ask of each packet's source. */
struct sources {
	struct source source[BURST_MOST];
	uint32_t shed[BURST_MOST];
};

/* Always written, and counted if it is to stay: no branch to mispredict. */
static inline void places_add(struct places *places, unsigned place, bool stays)
{
	places->place[places->count] = (uint16_t)place;
	places->count += stays;
}

/* Stages 1 and 2. The packets that they do not end. */
STAGE void burst_parse(struct burst *b, const struct image *image, struct places *live)
{
	for (unsigned i = 0, count = b->count; i < count; i++) {
		struct packet *packet = &b->packet[i];

		parse_frame(b->frame[i], b->readable[i], b->length[i], packet);
		places_add(live, i, !decide_header(image->settings, packet, &b->decision[i]));
	}
}

/*
 * Stages 3 to 5 of sources that the worker remembers. The packets of others are `missed`.
 * False: it asked for none, as they had mostly been new.
 */
STAGE bool burst_recall(struct burst *b, const struct state *state, struct recall *recall,
			const struct places *live, struct sources *sources, struct places *missed)
{
	const struct recalled *ways[BURST_MOST];

	if (recall->rest > 0) {
		recall->rest--;
		*missed = *live;
		return false;
	}
	for (unsigned j = 0; j < live->count; j++) {
		ways[j] = recall_ways(recall, b->packet[live->place[j]].source);
		__builtin_prefetch(ways[j]);
	}
	for (unsigned j = 0; j < live->count; j++) {
		unsigned i = live->place[j];
		const struct recalled *known = recall_find(ways[j], &b->packet[i]);

		places_add(missed, i, !known);
		if (!known)
			continue;
		__builtin_prefetch(&state->sources[known->line]);
		b->decision[i] = known->decision;
		sources->source[i] = (struct source){known->hash, known->line, 0};
		sources->shed[i] = known->shed;
	}
	recall->rest = missed->count * 4 > live->count * 3 ? RECALL_REST : 0;
	return true;
}

STAGE void image_prefetch(const struct image *image, const struct packet *packet)
{
	bool ip6 = packet->kind == PACKET_IP6;

	singles_prefetch(image, ip6, packet->source);
	range_prefetch(&image->origin, ip6, packet->source);
}

/*
 * Those that were missed are taken a few at a time: while one lot is hashed and looked up, the
 * lines of the next are on their way, no more of them than a core can have under way at once.
 */
enum { LOT = 16, AHEAD = 8 };

struct lot {
	unsigned count;
	const uint16_t *place;
};

static inline struct lot lot_from(const struct places *places, unsigned from)
{
	unsigned rest = places->count > from ? places->count - from : 0;

	return (struct lot){rest < LOT ? rest : LOT, &places->place[from]};
}

/* Fetch what will be asked about a lot's sources. */
STAGE void lot_fetch(const struct burst *b, const struct image *image, struct lot lot)
{
	for (unsigned j = 0; j < lot.count; j++)
		image_prefetch(image, &b->packet[lot.place[j]]);
}

/* Hash a lot's sources, all together, and fetch their buckets. */
STAGE void lot_hash(const struct burst *b, const struct image *image, const struct state *state,
		    struct lot lot, struct sources *sources)
{
	uint64_t key[LOT], ip6[LOT], hash[LOT], shed[LOT];

	for (unsigned j = 0; j < lot.count; j++) {
		const struct packet *packet = &b->packet[lot.place[j]];

		key[j] = packet_key(packet);
		ip6[j] = packet->kind == PACKET_IP6;
	}
	for (unsigned j = 0; j < lot.count; j++)
		hash[j] = siphash_last((struct siphash_key){state->key.k0, state->key.k1 ^ ip6[j]},
				       key[j]);
	for (unsigned j = 0; j < lot.count; j++)
		shed[j] = siphash_4(image->salt, __builtin_bswap32((uint32_t)key[j]));
	for (unsigned j = 0; j < lot.count; j++) {
		unsigned i = lot.place[j];
		uint32_t line = state_source_line(state, hash[j]);

		__builtin_prefetch(&state->sources[line]);
		sources->source[i] = (struct source){hash[j], line, 0};
		sources->shed[i] =
			ip6[j] ? shed_hash(image->salt, &b->packet[i]) : (uint32_t)shed[j];
	}
}

/* Stages 3 to 5 of a lot's packets, to be remembered unless `recall` is NULL. */
STAGE void lot_match(struct burst *b, const struct image *image, struct recall *recall,
		     struct lot lot, const struct sources *sources, uint64_t now_ns)
{
	for (unsigned j = 0; j < lot.count; j++) {
		unsigned i = lot.place[j];
		const struct packet *packet = &b->packet[i];

		decide_lookup(image, packet, now_ns, &b->decision[i]);
		if (recall && b->decision[i].reason == REASON_DEFAULT)
			recall_store(recall, packet, sources->source[i], sources->shed[i],
				     b->decision[i]);
	}
}

/* Stages 3 to 5 of packets whose sources were missed. */
STAGE void burst_match(struct burst *b, const struct image *image, const struct state *state,
		       struct recall *recall, const struct places *missed, struct sources *sources,
		       uint64_t now_ns)
{
	struct lot lot = lot_from(missed, 0), next;

	lot_fetch(b, image, lot);
	for (unsigned from = LOT; lot.count > 0; from += LOT, lot = next) {
		next = lot_from(missed, from);
		lot_fetch(b, image, next);
		lot_hash(b, image, state, lot, sources);
		lot_match(b, image, recall, lot, sources, now_ns);
	}
}

/* The rules whose leases are open: all that the burst has asked so far. */
struct opened {
	unsigned count;
	const struct rule *rule[BURST_MOST];
};

/* What stages 6 and 7 of a burst's packets have in common. */
struct charging {
	struct state *state;
	struct burst_memory *memory;
	struct lease_units need;
	uint64_t now; /* ticks of the state */
	struct opened opened;
};

SELDOM void charging_open(struct charging *charging, const struct rule *rule)
{
	struct rule_lease *lease = &charging->memory->rule[rule->slot];

	lease->open = true;
	charging->opened.rule[charging->opened.count++] = rule;
	lease_open(&lease->lease, charging->state, charging->state->rules[rule->slot].rate,
		   &rule->total, charging->need, charging->now);
}

static inline void charging_close(struct charging *charging)
{
	for (unsigned i = 0; i < charging->opened.count; i++) {
		const struct rule *rule = charging->opened.rule[i];
		struct rule_lease *lease = &charging->memory->rule[rule->slot];

		lease_pause(&lease->lease, charging->state, charging->state->rules[rule->slot].rate,
			    &rule->total);
		lease->open = false;
	}
}

/*
 * In a flood lines are full, and what does not find its bucket in one asks the neighbour: fetch
 * that for a packet which will soon be charged, where sources of its line are there.
 */
STAGE void neighbour_fetch(const struct state *state, struct source source, uint64_t now)
{
	if (source_spilled(&state->sources[source.line], now))
		__builtin_prefetch(&state->sources[source.line ^ SOURCE_NEIGHBOUR]);
}

/* Stages 6 and 7. */
STAGE void burst_charge(struct burst *b, const struct image *image, struct charging *charging,
			const struct places *live, const struct sources *sources)
{
	struct rule_lease *leases = charging->memory->rule;
	struct lease *host = &charging->memory->host;
	const struct rule *rules = image->rules;
	struct state *state = charging->state;
	const uint64_t now = charging->now;

	for (unsigned j = 0, count = live->count; j < count; j++) {
		unsigned i = live->place[j], ahead = live->place[j + AHEAD < count ? j + AHEAD : j];
		struct decision decision = b->decision[i];
		const struct rule *rule;
		bool admitted;

		if (b->decision[ahead].rule != NONE)
			neighbour_fetch(state, sources->source[ahead], now);
		if (decision.rule == NONE) {
			if (decision.reason == REASON_ALLOWED)
				lease_spend_up_to(host, b->length[i]);
			continue;
		}
		rule = &rules[decision.rule];
		admitted = sources->shed[i] < rule->admit || !rule_sheds(rule, &b->packet[i]);
		if (__builtin_expect(admitted & !leases[rule->slot].open, false))
			charging_open(charging, rule);
		decide_rule(state, rule, sources->source[i], b->length[i], admitted,
			    (struct leases){&leases[rule->slot].lease, host}, now, &decision);
		b->decision[i] = decision;
	}
}

/* The most that the burst can spend. */
STAGE struct lease_units burst_need(const struct burst *b)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < b->count; i++)
		bytes += b->length[i];
	return (struct lease_units){{b->count, bytes}};
}

burst_decide_fn BURST_DECIDE;

void BURST_DECIDE(struct burst *b, const struct image *image, struct state *state,
		  struct burst_memory *memory, struct worker_counters *counters, uint64_t now_ns)
{
	const struct bucket_limit *host = &image->settings->host;
	struct charging charging = {
		.state = state, .memory = memory, .now = state_now(state, now_ns)};
	struct places live, missed;
	struct sources sources;
	bool asked;

	live.count = missed.count = 0;
	burst_parse(b, image, &live);
	asked = burst_recall(b, state, &memory->recall, &live, &sources, &missed);
	burst_match(b, image, state, asked ? &memory->recall : NULL, &missed, &sources, now_ns);
	charging.need = burst_need(b);
	lease_open(&memory->host, state, state->host, host, charging.need, charging.now);
	burst_charge(b, image, &charging, &live, &sources);
	charging_close(&charging);
	lease_pause(&memory->host, state, state->host, host);
	counters_decided(counters, b->length, b->decision, b->count, image->rules);
}
