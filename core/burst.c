/* SPDX-License-Identifier: BSD-3-Clause */
/* See burst.h. Compiled once for each level, as BURST_DECIDE. */
#include "burst.h"
#include "parse.h"

/*
 * A prefetch has no effect that a compiler knows of, so a function of nothing else is dropped
 * unless it is part of one that does more.
 */
#define STAGE static inline __attribute__((always_inline))

#define likely(condition)   __builtin_expect(condition, true)
#define unlikely(condition) __builtin_expect(condition, false)

/* A packet that stages 1 and 2 let through, and what the others need to know of it. */
struct arrival {
	const struct source_facts *source; /* once known; until then where it may be remembered */
	struct target_facts target;
	uint32_t line; /* of its source's buckets for packets */
	uint32_t length;
	uint16_t place; /* in the burst */
	uint16_t rule;  /* that decides, or NONE */
};
_Static_assert(sizeof(struct arrival) == 32, "two to a cache line");

/* Those of a burst, in order. */
struct arrivals {
	unsigned count;
	_Alignas(64) struct arrival at[BURST_MOST];
};

/* Some of them, in order: those whose sources nobody remembers, and what they turn out to be. */
struct missed {
	unsigned count;
	uint16_t arrival[BURST_MOST];
	_Alignas(64) struct source_facts looked[BURST_MOST];
};

/* Stages 1 and 2 of what parse_plain() leaves. Whether they end the packet. */
SELDOM bool parse_rest(struct burst *b, const struct settings *settings, unsigned i)
{
	parse_slowly(b->frame[i], b->readable[i], b->length[i], &b->packet[i]);
	return decide_header(settings, &b->packet[i], &b->decision[i]);
}

/* Fetch what says who a packet's source is: what is remembered of it, or else its origin. */
STAGE void source_fetch(const struct image *image, const struct packet *packet,
			const struct source_facts *ways, bool asks)
{
	if (asks)
		__builtin_prefetch(ways);
	else
		source_prefetch(image, packet->kind == PACKET_IP6, packet->source);
}

/*
 * Stages 1 and 2, which end none that parse_plain() takes; and what is known of the targets of
 * those they do not end.
 */
STAGE void burst_parse(struct burst *b, const struct image *image, struct recall *recall,
		       struct arrivals *arrivals)
{
	const bool asks = recall_asks(recall);
	struct arrival *arrival = arrivals->at;

	for (unsigned i = 0, count = b->count; i < count; i++) {
		struct packet *packet = &b->packet[i];
		uint32_t length = b->length[i];

		if (unlikely(!parse_plain(b->frame[i], b->readable[i], length, packet)) &&
		    parse_rest(b, image->settings, i))
			continue;
		arrival->source = recall_ways(recall, packet->source);
		source_fetch(image, packet, arrival->source, asks);
		arrival->target = recall_target(recall, image, packet);
		arrival->length = length;
		arrival->place = (uint16_t)i;
		arrival++;
	}
	arrivals->count = (unsigned)(arrival - arrivals->at);
}

/* All that is known of a source at once, from now on. */
STAGE void arrival_is_from(struct arrival *arrival, const struct source_facts *source,
			   const struct state *state)
{
	arrival->source = source;
	arrival->line = state_source_line(state, source->hash);
	__builtin_prefetch(state_line(state, arrival->line));
}

/* The rule of a packet whose source and target are known, or NONE: something else decides it. */
STAGE uint16_t arrival_rule(const struct image *image, const struct arrival *arrival)
{
	const struct source_facts *source = arrival->source;
	bool ends = source->reason != REASON_DEFAULT || arrival->target.guarded;

	return ends ? NONE : image->choice[arrival->target.choices + source->origin];
}

/* What the worker remembers of sources, and who those are that it does not. */
STAGE void burst_recall(const struct burst *b, const struct image *image, const struct state *state,
			const struct recall *recall, struct arrivals *arrivals,
			struct missed *missed)
{
	const bool asks = recall_asks(recall);

	missed->count = 0;
	for (unsigned j = 0, count = arrivals->count; j < count; j++) {
		struct arrival *arrival = &arrivals->at[j];
		const struct packet *packet = &b->packet[arrival->place];
		const struct source_facts *known =
			asks ? recall_find(arrival->source, packet) : NULL;

		if (likely(known != NULL)) {
			arrival_is_from(arrival, known, state);
			arrival->rule = arrival_rule(image, arrival);
			continue;
		}
		if (asks)
			source_prefetch(image, packet->kind == PACKET_IP6, packet->source);
		missed->looked[missed->count].address = packet->source;
		missed->looked[missed->count].kind = packet->kind;
		missed->arrival[missed->count++] = (uint16_t)j;
	}
}

/*
 * Those that were missed are taken a few at a time, so that their buckets are fetched no faster
 * than a core can have fetches under way.
 */
enum { LOT = 16 };

struct lot {
	unsigned count;
	const uint16_t *arrival;
	struct source_facts *looked;
	uint16_t cell[LOT]; /* of the direct table */
};

/* The lot from missed source `from` on; and fetch what few need beside their cells. */
STAGE void lot_start(const struct image *image, struct missed *missed, unsigned from,
		     struct lot *lot)
{
	unsigned rest = missed->count - from;

	lot->count = rest < LOT ? rest : LOT;
	lot->arrival = &missed->arrival[from];
	lot->looked = &missed->looked[from];
	for (unsigned j = 0; j < lot->count; j++) {
		struct address source = lot->looked[j].address;
		bool ip6 = lot->looked[j].kind == PACKET_IP6;

		lot->cell[j] = direct_cell(image, ip6, source);
		if (unlikely(lot->cell[j] & DIRECT_HELD))
			singles_prefetch(image, ip6, source);
	}
}

/* Hash a lot's sources, all together. */
STAGE void lot_hash(const struct image *image, const struct state *state, struct arrivals *arrivals,
		    struct lot *lot)
{
	uint64_t key[LOT], ip6[LOT], hash[LOT], shed[LOT];

	for (unsigned j = 0; j < lot->count; j++) {
		ip6[j] = lot->looked[j].kind == PACKET_IP6;
		key[j] = source_key(ip6[j], lot->looked[j].address);
	}
	for (unsigned j = 0; j < lot->count; j++)
		hash[j] = siphash_last((struct siphash_key){state->key.k0, state->key.k1 ^ ip6[j]},
				       key[j]);
	for (unsigned j = 0; j < lot->count; j++)
		shed[j] = siphash_4(image->salt, __builtin_bswap32((uint32_t)key[j]));
	for (unsigned j = 0; j < lot->count; j++) {
		struct source_facts *looked = &lot->looked[j];

		looked->hash = hash[j];
		looked->shed =
			ip6[j] ? shed_hash(image->salt, true, looked->address) : (uint32_t)shed[j];
		arrival_is_from(&arrivals->at[lot->arrival[j]], looked, state);
	}
}

/* What the image says of sources that were missed. */
STAGE void burst_look(const struct image *image, const struct state *state,
		      struct arrivals *arrivals, struct missed *missed, uint64_t now_ns)
{
	struct lot lot;

	for (unsigned from = 0; from < missed->count; from += LOT) {
		lot_start(image, missed, from, &lot);
		lot_hash(image, state, arrivals, &lot);
		for (unsigned j = 0; j < lot.count; j++) {
			struct arrival *arrival = &arrivals->at[lot.arrival[j]];

			source_look(image, lot.cell[j], now_ns, &lot.looked[j]);
			arrival->rule = arrival_rule(image, arrival);
		}
	}
}

/* What stages 6 and 7 of a burst's packets have in common. */
struct charging {
	struct state *state;
	struct burst_memory *memory;
	struct worker_counters *counters;
	struct lease_units need;
	uint64_t now; /* ticks of the state */
	unsigned opened;
	struct {
		const struct rule *rule;
		lease_halves had;
	} lease[BURST_MOST]; /* those that are open: of all the rules that were asked so far */
};

SELDOM void charging_open(struct charging *charging, const struct rule *rule)
{
	struct rule_lease *lease = &charging->memory->rule[rule->slot];

	lease_open(&lease->lease, charging->state, state_rule(charging->state, rule->slot)->rate,
		   &rule->total, charging->need, charging->now);
	lease->open = true;
	charging->lease[charging->opened].rule = rule;
	charging->lease[charging->opened++].had = lease->lease.left;
}

/* What a lease was spent on is what its rule admitted. */
static inline void charging_close(struct charging *charging)
{
	for (unsigned i = 0; i < charging->opened; i++) {
		const struct rule *rule = charging->lease[i].rule;
		struct rule_lease *lease = &charging->memory->rule[rule->slot];
		lease_halves spent = charging->lease[i].had - lease->lease.left;

		count_add(&charging->counters->rule[rule->slot][OUTCOME_ADMITTED], (uint32_t)spent,
			  spent >> 32);
		lease_pause(&lease->lease, charging->state,
			    state_rule(charging->state, rule->slot)->rate, &rule->total);
		lease->open = false;
	}
}

/*
 * Stages 3 to 7 of a packet that is what most are in good times: a rule admits it, and counts its
 * source's packets in a bucket that is there, and all have room. False: it is not, nothing was
 * charged, and decide_slowly() must look at it. Where both decide, they agree.
 */
STAGE bool decide_plainly(const struct image *image, struct charging *charging,
			  const struct arrival *arrival, struct decision *decision)
{
	const struct source_facts *facts = arrival->source;
	const struct state *state = charging->state;
	struct source_line *line = state_line(state, arrival->line);
	struct lease *host = &charging->memory->host;
	const struct bucket_profile *profile;
	const struct rule *rule;
	struct rule_lease *lease;
	uint64_t old, taken;
	unsigned way;

	if (unlikely(arrival->rule == NONE))
		return false;
	rule = &image->rules[arrival->rule];
	lease = &charging->memory->rule[rule->slot];
	profile = &rule->source.rate[BUCKET_PPS];
	if (unlikely(facts->shed >= rule->admit || !lease->open || profile->cost == 0 ||
		     rule->source.rate[BUCKET_BPS].cost != 0))
		return false;
	way = source_way(line, source_tag(facts->hash, rule->id));
	if (unlikely(way == SOURCE_WAYS))
		return false;
	source_keep(line, way, state->shared);
	old = word_load(&line->state[way]);
	taken = bucket_taken(old, charging->now, profile->cost);
	if (unlikely(!bucket_fits(profile, taken, charging->now) ||
		     !lease_covers(&lease->lease, arrival->length) ||
		     !lease_covers(host, arrival->length) ||
		     !word_swap(state->shared, &line->state[way], &old, taken)))
		return false;
	lease_spend(&lease->lease, arrival->length);
	lease_spend(host, arrival->length);
	*decision = (struct decision){VERDICT_PASS, REASON_ADMITTED, arrival->target.service,
				      arrival->rule, facts->origin};
	return true;
}

/* Stages 6 and 7 of a packet that matched a rule. */
static inline void charge(const struct burst *b, const struct image *image,
			  struct charging *charging, const struct arrival *arrival,
			  struct decision *decision)
{
	const struct source_facts *facts = arrival->source;
	const struct rule *rule = &image->rules[decision->rule];
	struct rule_lease *lease = &charging->memory->rule[rule->slot];
	const struct source source = {facts->hash, arrival->line, 0};
	const struct leases leases = {&lease->lease, &charging->memory->host};
	bool admitted = facts->shed < rule->admit ||
			!rule_sheds(rule, b->packet[arrival->place].flags & PACKET_OPENS);

	if (!lease->open)
		charging_open(charging, rule);
	decide_rule(charging->state, rule, source, arrival->length, admitted, leases, charging->now,
		    decision);
	if (decision->reason != REASON_ADMITTED)
		count_rule(charging->counters, arrival->length, decision, image->rules);
}

/* Stages 3 to 7 of any packet. */
SELDOM void decide_slowly(struct burst *b, const struct image *image, struct charging *charging,
			  const struct arrival *arrival)
{
	struct decision *decision = &b->decision[arrival->place];

	if (!decide_facts(image, arrival->target, arrival->source, decision))
		charge(b, image, charging, arrival, decision);
	else if (decision->reason == REASON_ALLOWED)
		lease_spend_up_to(&charging->memory->host, arrival->length);
}

enum { AHEAD = 8 };

/*
 * In a flood lines are full, and what does not find its bucket in one asks the neighbour: fetch
 * that for a packet which will soon be charged, where sources of its line are there.
 */
STAGE void neighbour_fetch(const struct state *state, uint32_t line, uint64_t now)
{
	if (source_spilled(state_line(state, line), now))
		__builtin_prefetch(state_line(state, line ^ SOURCE_NEIGHBOUR));
}

/*
 * Stages 3 to 7, of which the first few are known. `crowded`: many may look for their buckets in
 * neighbours. How many were not what most are.
 */
STAGE unsigned burst_charge(struct burst *b, const struct image *image, struct charging *charging,
			    const struct arrivals *arrivals, bool crowded)
{
	unsigned slow = 0;

	for (unsigned j = 0, count = arrivals->count; j < count; j++) {
		const struct arrival *arrival = &arrivals->at[j];

		if (crowded && j + AHEAD < count)
			neighbour_fetch(charging->state, arrival[AHEAD].line, charging->now);
		if (!decide_plainly(image, charging, arrival, &b->decision[arrival->place])) {
			decide_slowly(b, image, charging, arrival);
			slow++;
		}
	}
	return slow;
}

/* Remember some of the sources that were missed, now that nobody asks any more. */
STAGE void burst_remember(struct recall *recall, const struct arrivals *arrivals,
			  const struct missed *missed)
{
	if (!recall_asks(recall)) {
		recall->rest--;
		return;
	}
	if (missed->count * 4 > arrivals->count * 3)
		recall->rest = RECALL_REST;
	for (unsigned j = 0; j < missed->count; j++) {
		if (missed->looked[j].reason == REASON_DEFAULT &&
		    ++recall->missed % RECALL_EVERY == 0)
			recall_store(recall, &missed->looked[j]);
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
	struct charging charging;
	struct arrivals arrivals;
	struct missed missed;
	unsigned slow;

	burst_parse(b, image, &memory->recall, &arrivals);
	burst_recall(b, image, state, &memory->recall, &arrivals, &missed);
	burst_look(image, state, &arrivals, &missed, now_ns);
	charging.state = state;
	charging.memory = memory;
	charging.counters = counters;
	charging.need = burst_need(b);
	charging.now = state_now(state, now_ns);
	charging.opened = 0;
	lease_open(&memory->host, state, state->host, host, charging.need, charging.now);
	slow = memory->crowded ? burst_charge(b, image, &charging, &arrivals, true)
			       : burst_charge(b, image, &charging, &arrivals, false);
	memory->crowded = slow * 2 > arrivals.count;
	charging_close(&charging);
	lease_pause(&memory->host, state, state->host, host);
	burst_remember(&memory->recall, &arrivals, &missed);
	counters_decided(counters, b->length, b->decision, b->count);
}
