/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision: what happens to one packet, in the order of the stages that
 * docs/policy.md gives. The data plane, the offline verbs and the twin all call this.
 */
#pragma once

#include "lease.h"
#include "lookup.h"

/*
 * Bits of 16, where bytes would do: a byte's store may be to anything, so that what loops keep
 * in registers would be loaded again after each.
 */
struct decision {
	uint16_t verdict : 8; /* enum verdict */
	uint16_t reason : 8;  /* enum reason */
	uint16_t service;     /* index, or NONE: none, or the packet ended before it mattered */
	uint16_t rule;        /* likewise */
	uint16_t origin;      /* index; ORIGIN_NONE where the packet ended before it mattered */
};

static inline struct decision decision_end(enum verdict verdict, enum reason reason)
{
	return (struct decision){
		.verdict = verdict,
		.reason = reason,
		.service = NONE,
		.rule = NONE,
		.origin = ORIGIN_NONE,
	};
}

/* Whether the share of keys that the rule admits applies to a packet that opens a connection. */
static inline bool rule_sheds(const struct rule *rule, bool opens)
{
	return rule->admit <= UINT32_MAX && (rule->scope == SCOPE_ALL || opens);
}

static inline bool rule_admits(const struct image *image, const struct rule *rule,
			       const struct packet *packet)
{
	return !rule_sheds(rule, packet->flags & PACKET_OPENS) ||
	       shed_hash(image->salt, packet->kind == PACKET_IP6, packet->source) < rule->admit;
}

/* Stages 1 and 2, which ask nobody. Whether they end the packet. */
static inline bool decide_header(const struct settings *settings, const struct packet *packet,
				 struct decision *decision)
{
	if (packet->kind == PACKET_MALFORMED)
		*decision = decision_end(settings->malformed, REASON_MALFORMED);
	else if (packet->kind == PACKET_OTHER)
		*decision = decision_end(packet->ethertype == ETHERTYPE_ARP ? VERDICT_PASS
									    : settings->other,
					 REASON_LINK);
	else if (packet->flags & PACKET_ND)
		*decision = decision_end(VERDICT_PASS, REASON_LINK);
	else
		return false;
	return true;
}

/*
 * Stages 3 to 5 of an IP packet, of which the image says this. Whether they end it; a rule matched
 * if not.
 */
static inline bool decide_facts(const struct image *image, struct target_facts target,
				const struct source_facts *source, struct decision *decision)
{
	enum reason reason = target.guarded ? REASON_GUARD : (enum reason)source->reason;
	enum verdict verdict = reason == REASON_BLOCKED ? VERDICT_DROP : VERDICT_PASS;

	if (reason != REASON_DEFAULT) {
		*decision = decision_end(verdict, reason);
		return true;
	}
	*decision = (struct decision){
		.verdict = image_settings(image)->unmatched,
		.reason = REASON_DEFAULT,
		.service = target.service,
		.rule = READ(image->choice[target.choices + source->origin]),
		.origin = source->origin,
	};
	return decision->rule == NONE;
}

/* Stages 3 to 5 of an IP packet, as decide_facts(). */
static inline bool decide_lookup(const struct image *image, const struct packet *packet,
				 uint64_t now_ns, struct decision *decision)
{
	struct source_facts source = {.address = packet->source, .kind = packet->kind};
	bool ip6 = packet->kind == PACKET_IP6;

	source_look(image, direct_cell(image, ip6, packet->source), now_ns, &source);
	return decide_facts(image, target_find(image, packet), &source, decision);
}

/* Stages 1 to 5. */
static inline bool decide_match(const struct image *image, const struct packet *packet,
				uint64_t now_ns, struct decision *decision)
{
	return decide_header(image_settings(image), packet, decision) ||
	       decide_lookup(image, packet, now_ns, decision);
}

/* The buckets of one level, asked and not yet charged. */
struct level_asked {
	struct state_asked rate[BUCKET_RATES];
};

static inline bool source_has_rate(struct state *state, const struct rule *rule,
				   enum bucket_rate rate, struct source source, uint32_t bytes,
				   uint64_t now, struct level_asked *asked)
{
	const struct bucket_profile *profile = &rule->source.rate[rate];
	uint64_t *word;

	asked->rate[rate].word = NULL;
	if (!profile->cost)
		return true;
	word = state_source(state, state_rule(state, rule->slot), rule->id, profile, source, rate,
			    now);
	return state_ask(state, word, profile, now, bucket_cost(profile, rate, bytes),
			 &asked->rate[rate]);
}

static inline bool source_has(struct state *state, const struct rule *rule, struct source source,
			      uint32_t bytes, uint64_t now, struct level_asked *asked)
{
	return source_has_rate(state, rule, BUCKET_PPS, source, bytes, now, asked) &&
	       source_has_rate(state, rule, BUCKET_BPS, source, bytes, now, asked);
}

static inline void source_take(const struct state *state, const struct rule *rule, uint32_t bytes,
			       uint64_t now, struct level_asked *asked)
{
	for (unsigned rate = 0; rate < BUCKET_RATES; rate++) {
		if (asked->rate[rate].word)
			state_take(state, &asked->rate[rate], now,
				   bucket_cost(&rule->source.rate[rate], (enum bucket_rate)rate,
					       bytes));
	}
}

/* The leases that a packet is charged to. */
struct leases {
	struct lease *rule, *host;
};

/*
 * Stage 7: the reason of the level that refuses, or REASON_ADMITTED with every level charged.
 * `source` is asked for only if the rule limits sources.
 */
static inline enum reason decide_limits(struct state *state, const struct rule *rule,
					struct source source, uint32_t bytes, bool diverted,
					struct leases leases, uint64_t now)
{
	struct level_asked asked;

	if (!source_has(state, rule, source, bytes, now, &asked))
		return REASON_SOURCE_LIMIT;
	if (!diverted && !lease_covers(leases.rule, bytes))
		return REASON_RULE_LIMIT;
	if (!lease_covers(leases.host, bytes))
		return REASON_HOST_LIMIT;
	source_take(state, rule, bytes, now, &asked);
	if (!diverted)
		lease_spend(leases.rule, bytes);
	lease_spend(leases.host, bytes);
	return REASON_ADMITTED;
}

static inline bool level_has_rate(const struct state *state, uint64_t *words,
				  const struct bucket_limit *limit, enum bucket_rate rate,
				  uint32_t bytes, uint64_t now, struct level_asked *asked)
{
	const struct bucket_profile *profile = &limit->rate[rate];

	return !profile->cost || state_ask(state, &words[rate], profile, now,
					   bucket_cost(profile, rate, bytes), &asked->rate[rate]);
}

/* Whether the buckets at `words`, a rule's or the host's, have room for a packet. */
static inline bool level_has(const struct state *state, uint64_t words[BUCKET_RATES],
			     const struct bucket_limit *limit, uint32_t bytes, uint64_t now,
			     struct level_asked *asked)
{
	return level_has_rate(state, words, limit, BUCKET_PPS, bytes, now, asked) &&
	       level_has_rate(state, words, limit, BUCKET_BPS, bytes, now, asked);
}

static inline void level_take_rate(const struct state *state, uint64_t *words,
				   const struct bucket_limit *limit, enum bucket_rate rate,
				   uint32_t bytes, uint64_t now, struct level_asked *asked)
{
	const struct bucket_profile *profile = &limit->rate[rate];

	asked->rate[rate].word = &words[rate];
	if (profile->cost)
		state_take(state, &asked->rate[rate], now, bucket_cost(profile, rate, bytes));
}

/* Take what level_has(). */
static inline void level_take(const struct state *state, uint64_t words[BUCKET_RATES],
			      const struct bucket_limit *limit, uint32_t bytes, uint64_t now,
			      struct level_asked *asked)
{
	level_take_rate(state, words, limit, BUCKET_PPS, bytes, now, asked);
	level_take_rate(state, words, limit, BUCKET_BPS, bytes, now, asked);
}

/* A packet that asks its source's buckets. */
struct charge {
	struct source source;
	uint64_t now;
	uint32_t bytes;
	bool may; /* all others have room for it */
};

/*
 * Whether the buckets of a packet's source have room for it, from which it is taken if all others
 * have.
 */
ALONE bool source_charge(struct state *state, const struct rule *rule, const struct charge *charge)
{
	struct level_asked asked;

	ASSURED(state);
	ASSURED(rule);
	ASSURED(charge);
	if (!source_has(state, rule, charge->source, charge->bytes, charge->now, &asked))
		return false;
	if (charge->may)
		source_take(state, rule, charge->bytes, charge->now, &asked);
	return true;
}

/* decide_limits() of a packet by itself, which borrows nothing. */
static inline enum reason decide_limits_alone(const struct image *image, struct state *state,
					      const struct rule *rule, struct source source,
					      uint32_t bytes, bool diverted, uint64_t now)
{
	const struct bucket_limit *host = &image_settings(image)->host;
	uint64_t *words = state_rule(state, rule->slot)->rate;
	struct level_asked of_rule = {0}, of_host = {0};
	bool rule_has = diverted || level_has(state, words, &rule->total, bytes, now, &of_rule);
	bool host_has = level_has(state, state->host, host, bytes, now, &of_host);
	const struct charge charge = {source, now, bytes, rule_has && host_has};

	if (bucket_limits(&rule->source) && !source_charge(state, rule, &charge))
		return REASON_SOURCE_LIMIT;
	if (!rule_has)
		return REASON_RULE_LIMIT;
	if (!host_has)
		return REASON_HOST_LIMIT;
	if (!diverted)
		level_take(state, words, &rule->total, bytes, now, &of_rule);
	level_take(state, state->host, host, bytes, now, &of_host);
	return REASON_ADMITTED;
}

/* What is done to a packet that `rule` matched unless a limit refuses it. */
static inline enum verdict rule_verdict(const struct rule *rule, bool admitted)
{
	return admitted ? VERDICT_PASS : (enum verdict)rule->otherwise;
}

/* Put the end of stage 7 into *decision: `reason` is what the limits said. */
static inline void decide_limited(enum verdict verdict, bool admitted, enum reason reason,
				  struct decision *decision)
{
	if (reason != REASON_ADMITTED)
		verdict = VERDICT_DROP;
	else if (!admitted)
		reason = REASON_SHED;
	decision->verdict = (uint8_t)verdict;
	decision->reason = (uint8_t)reason;
}

/* Stages 6 and 7 of a packet that `rule` matched, which admits its key or does not. */
static inline void decide_rule(struct state *state, const struct rule *rule, struct source source,
			       uint32_t bytes, bool admitted, struct leases leases, uint64_t now,
			       struct decision *decision)
{
	enum verdict verdict = rule_verdict(rule, admitted);
	enum reason reason = REASON_SHED;

	if (verdict != VERDICT_DROP)
		reason = decide_limits(state, rule, source, bytes, !admitted, leases, now);
	decide_limited(verdict, admitted, reason, decision);
}

/* The source of an IP packet, whose line is fetched at once. */
static inline struct source packet_source(const struct state *state, const struct packet *packet)
{
	const bool ip6 = packet->kind == PACKET_IP6;
	struct source source = state_source_of(state, source_key(ip6, packet->source), ip6);

	state_fetch(state, source.line);
	return source;
}

/* decide_rule() of a packet by itself; its source, if that is known by now. */
static inline void decide_rule_alone(const struct image *image, struct state *state,
				     const struct packet *packet, struct source source,
				     uint64_t now, struct decision *decision)
{
	const struct rule *rule = image_rule(image, decision->rule);
	const bool admitted = rule_admits(image, rule, packet);
	enum verdict verdict = rule_verdict(rule, admitted);
	enum reason reason = REASON_SHED;

	if (verdict != VERDICT_DROP) {
		if (!source.known && bucket_limits(&rule->source))
			source = packet_source(state, packet);
		reason = decide_limits_alone(image, state, rule, source, packet->length, !admitted,
					     now);
	}
	decide_limited(verdict, admitted, reason, decision);
}

/* Take from the host's buckets what there is of a packet of `bytes`, which is never refused. */
ALONE int decide_allowed(struct state *state, const struct bucket_limit *host, uint32_t bytes,
			 uint64_t now)
{
	const struct lease_units need = {{(uint32_t)FORGOTTEN(1), bytes}};
	struct lease lease = {0};

	ASSURED(state);
	ASSURED(host);
	lease_open(&lease, state, state->host, host, need, now);
	lease_spend_up_to(&lease, bytes);
	lease_end(&lease, state, state->host, host);
	return 0;
}

/* decide() of an IP packet that stages 1 and 2 leave, of whose target the image says this. */
static inline struct decision decide_target(const struct image *image, struct state *state,
					    const struct packet *packet, struct target_facts target,
					    uint64_t now_ns)
{
	struct source_facts facts = {.address = packet->source, .kind = packet->kind};
	uint16_t cell = direct_cell(image, packet->kind == PACKET_IP6, packet->source);
	uint64_t now = state_now(state, now_ns);
	struct source source = {0};
	struct decision decision;

	/* Of one that nothing holds, both lines that may be far are fetched before either is used.
	 */
	if (image->limits_sources && !(cell & DIRECT_HELD))
		source = packet_source(state, packet);
	source_look(image, cell, now_ns, &facts);
	if (!decide_facts(image, target, &facts, &decision))
		decide_rule_alone(image, state, packet, source, now, &decision);
	else if (decision.reason == REASON_ALLOWED)
		decide_allowed(state, &image_settings(image)->host, packet->length, now);
	return decision;
}

/*
 * Decide one parsed packet at `now_ns` of the clock that the image's expiries and the
 * state share, charging the buckets it answers to. Packets of one worker are decided in
 * the order they arrived. burst_decide() does the same for many at once.
 */
static inline struct decision decide(const struct image *image, struct state *state,
				     const struct packet *packet, uint64_t now_ns)
{
	struct decision decision;

	if (decide_header(image_settings(image), packet, &decision))
		return decision;
	return decide_target(image, state, packet, target_find(image, packet), now_ns);
}
