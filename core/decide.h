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

/* A source's buckets, asked and not yet charged. */
struct source_asked {
	struct state_asked rate[BUCKET_RATES];
};

static inline bool source_has_rate(struct state *state, const struct rule *rule,
				   enum bucket_rate rate, struct source source, uint32_t bytes,
				   uint64_t now, struct source_asked *asked)
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

static inline void source_take_rate(const struct state *state, const struct rule *rule,
				    enum bucket_rate rate, uint32_t bytes, uint64_t now,
				    struct source_asked *asked)
{
	if (asked->rate[rate].word)
		state_take(state, &asked->rate[rate], now,
			   bucket_cost(&rule->source.rate[rate], rate, bytes));
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
	struct source_asked asked;

	if (!source_has_rate(state, rule, BUCKET_PPS, source, bytes, now, &asked) ||
	    !source_has_rate(state, rule, BUCKET_BPS, source, bytes, now, &asked))
		return REASON_SOURCE_LIMIT;
	if (!diverted && !lease_covers(leases.rule, bytes))
		return REASON_RULE_LIMIT;
	if (!lease_covers(leases.host, bytes))
		return REASON_HOST_LIMIT;
	source_take_rate(state, rule, BUCKET_PPS, bytes, now, &asked);
	source_take_rate(state, rule, BUCKET_BPS, bytes, now, &asked);
	if (!diverted)
		lease_spend(leases.rule, bytes);
	lease_spend(leases.host, bytes);
	return REASON_ADMITTED;
}

/* Stages 6 and 7 of a packet that `rule` matched, which admits its key or does not. */
static inline void decide_rule(struct state *state, const struct rule *rule, struct source source,
			       uint32_t bytes, bool admitted, struct leases leases, uint64_t now,
			       struct decision *decision)
{
	enum verdict verdict = admitted ? VERDICT_PASS : (enum verdict)rule->otherwise;
	enum reason reason = REASON_SHED;

	if (verdict != VERDICT_DROP) {
		reason = decide_limits(state, rule, source, bytes, !admitted, leases, now);
		if (reason != REASON_ADMITTED)
			verdict = VERDICT_DROP;
		else if (!admitted)
			reason = REASON_SHED;
	}
	decision->verdict = (uint8_t)verdict;
	decision->reason = (uint8_t)reason;
}

/* decide(), with `leases` that are zeroed before, and after. */
static inline struct decision decide_leased(const struct image *image, struct state *state,
					    const struct packet *packet, struct leases leases,
					    uint64_t now_ns)
{
	const struct bucket_limit *host_limit = &image_settings(image)->host;
	const struct lease_units need = {{(uint32_t)FORGOTTEN(1), packet->length}};
	uint64_t now = state_now(state, now_ns);
	struct source source = {0};
	const bool ip6 = packet->kind == PACKET_IP6;
	struct decision decision;
	const struct rule *rule;
	uint64_t *rates;

	if (decide_match(image, packet, now_ns, &decision) && decision.reason != REASON_ALLOWED)
		return decision;
	lease_open(leases.host, state, state->host, host_limit, need, now);
	if (decision.reason == REASON_ALLOWED) {
		/* It takes from the host's bucket what there is, and is never refused. */
		lease_spend_up_to(leases.host, packet->length);
	} else {
		rule = image_rule(image, decision.rule);
		rates = state_rule(state, rule->slot)->rate;
		lease_open(leases.rule, state, rates, &rule->total, need, now);
		if (bucket_limits(&rule->source))
			source = state_source_of(state, source_key(ip6, packet->source), ip6);
		decide_rule(state, rule, source, packet->length, rule_admits(image, rule, packet),
			    leases, now, &decision);
		lease_end(leases.rule, state, rates, &rule->total);
	}
	lease_end(leases.host, state, state->host, host_limit);
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
	struct lease rule = {0}, host = {0};

	return decide_leased(image, state, packet, (struct leases){&rule, &host}, now_ns);
}
