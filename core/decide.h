/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision: what happens to one packet, in the order of the stages that
 * docs/policy.md gives. The data plane, the offline verbs and the twin all call this.
 */
#pragma once

#include "lookup.h"
#include "state.h"

struct decision {
	uint8_t verdict;  /* enum verdict */
	uint8_t reason;   /* enum reason */
	uint16_t service; /* index, or NONE: none, or the packet ended before it mattered */
	uint16_t rule;    /* likewise */
	uint16_t origin;  /* index; ORIGIN_SPLIT where the packet ended before it mattered */
};

static inline struct decision decision_end(enum verdict verdict, enum reason reason)
{
	return (struct decision){
		.verdict = verdict,
		.reason = reason,
		.service = NONE,
		.rule = NONE,
		.origin = ORIGIN_SPLIT,
	};
}

static inline bool rule_admits(const struct image *image, const struct rule *rule,
			       const struct packet *packet)
{
	if (rule->admit > UINT32_MAX ||
	    (rule->scope == SCOPE_NEW && !(packet->flags & PACKET_OPENS)))
		return true;
	return shed_hash(image->salt, packet) < rule->admit;
}

/* Stages 1 to 4 and the match of stage 5. Sets *ended unless a rule matched. */
static inline struct decision decide_match(const struct image *image, const struct packet *packet,
					   uint64_t now_ns, bool *ended)
{
	const struct settings *settings = image->settings;
	struct decision decision;
	uint32_t set;

	*ended = true;
	if (packet->kind == PACKET_MALFORMED)
		return decision_end(settings->malformed, REASON_MALFORMED);
	if (packet->kind == PACKET_OTHER)
		return decision_end(packet->ethertype == ETHERTYPE_ARP ? VERDICT_PASS
								       : settings->other,
				    REASON_LINK);
	if (packet->flags & PACKET_ND)
		return decision_end(VERDICT_PASS, REASON_LINK);
	if (guard_holds(image, packet))
		return decision_end(VERDICT_PASS, REASON_GUARD);
	set = set_find(image, packet, now_ns);
	if (set == SET_BLOCK)
		return decision_end(VERDICT_DROP, REASON_BLOCKED);
	if (set == SET_ALLOW)
		return decision_end(VERDICT_PASS, REASON_ALLOWED);
	decision = decision_end(settings->unmatched, REASON_DEFAULT);
	decision.service = service_find(image, packet);
	decision.origin = origin_find(image, packet);
	decision.rule = rule_find(image, decision.service, decision.origin);
	*ended = decision.rule == NONE;
	return decision;
}

/* A bucket asked and not yet charged. */
struct charge {
	uint64_t *word;
	const struct bucket_profile *profile;
	uint64_t cost;
};

struct charges {
	struct charge charge[3 * BUCKET_RATES];
	unsigned count;
};

/* Ask one bucket, where there is a rate, and note it for charging. False: it refuses. */
static inline bool charges_ask(struct charges *charges, const struct state *state, uint64_t *word,
			       const struct bucket_profile *profile, uint64_t now, uint32_t length)
{
	uint64_t cost = bucket_cost(profile, length);

	charges->charge[charges->count++] = (struct charge){word, profile, cost};
	return state_ask(state, word, profile, now, cost);
}

static inline bool charges_ask_source(struct charges *charges, struct state *state,
				      const struct rule *rule, const struct packet *packet,
				      uint64_t now)
{
	uint64_t hash;

	if (!bucket_limits(&rule->source))
		return true;
	hash = state_source_hash(state, packet_key(packet), packet->kind == PACKET_IP6, rule->id);
	for (unsigned i = 0; i < BUCKET_RATES; i++) {
		const struct bucket_profile *profile = &rule->source.rate[i];

		if (profile->cost &&
		    !charges_ask(charges, state,
				 state_source(state, &state->rules[rule->slot], hash, i, now),
				 profile, now, packet->length))
			return false;
	}
	return true;
}

static inline bool charges_ask_all(struct charges *charges, const struct state *state,
				   uint64_t words[BUCKET_RATES], const struct bucket_limit *limit,
				   const struct packet *packet, uint64_t now)
{
	for (unsigned i = 0; i < BUCKET_RATES; i++) {
		if (limit->rate[i].cost &&
		    !charges_ask(charges, state, &words[i], &limit->rate[i], now, packet->length))
			return false;
	}
	return true;
}

static inline void charges_take(const struct charges *charges, const struct state *state,
				uint64_t now)
{
	for (unsigned i = 0; i < charges->count; i++)
		state_take(state, charges->charge[i].word, charges->charge[i].profile, now,
			   charges->charge[i].cost);
}

/* An allowed packet takes from the host's bucket what there is, and is never refused. */
static inline void decide_charge_allowed(const struct image *image, struct state *state,
					 const struct packet *packet, uint64_t now)
{
	for (unsigned i = 0; i < BUCKET_RATES; i++) {
		const struct bucket_profile *profile = &image->settings->host.rate[i];

		if (profile->cost)
			state_force(state, &state->host[i], profile, now,
				    bucket_cost(profile, packet->length));
	}
}

/* Stage 7: the reason of the level that refuses, or REASON_ADMITTED with every level charged. */
static inline enum reason decide_limits(const struct image *image, struct state *state,
					const struct packet *packet, const struct rule *rule,
					bool diverted, uint64_t now)
{
	struct charges charges;

	charges.count = 0; /* and no more: the array is as long as three cache lines */
	if (!charges_ask_source(&charges, state, rule, packet, now))
		return REASON_SOURCE_LIMIT;
	if (!diverted && !charges_ask_all(&charges, state, state->rules[rule->slot].rate,
					  &rule->total, packet, now))
		return REASON_RULE_LIMIT;
	if (!charges_ask_all(&charges, state, state->host, &image->settings->host, packet, now))
		return REASON_HOST_LIMIT;
	charges_take(&charges, state, now);
	return REASON_ADMITTED;
}

/*
 * Decide one parsed packet at `now_ns` of the clock that the image's expiries and the
 * state share, charging the buckets it answers to. Packets of one worker are decided in
 * the order they arrived.
 */
static inline struct decision decide(const struct image *image, struct state *state,
				     const struct packet *packet, uint64_t now_ns)
{
	uint64_t now = state_now(state, now_ns);
	bool ended;
	struct decision decision = decide_match(image, packet, now_ns, &ended);
	const struct rule *rule;
	bool admitted;

	if (ended) {
		if (decision.reason == REASON_ALLOWED)
			decide_charge_allowed(image, state, packet, now);
		return decision;
	}
	rule = &image->rules[decision.rule];
	admitted = rule_admits(image, rule, packet);
	decision.verdict = admitted ? VERDICT_PASS : rule->otherwise;
	decision.reason = REASON_SHED;
	if (decision.verdict == VERDICT_DROP)
		return decision;
	decision.reason = decide_limits(image, state, packet, rule, !admitted, now);
	if (decision.reason != REASON_ADMITTED)
		decision.verdict = VERDICT_DROP;
	else if (!admitted)
		decision.reason = REASON_SHED;
	return decision;
}
