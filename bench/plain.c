/* SPDX-License-Identifier: BSD-3-Clause */
/* See plain.h; plain_tables.c makes the tables. */
#include "parse.h"
#include "plain_tables.h"

#include <rte_prefetch.h>

/* Some of a burst's packets, by their place in it, and what tables say of them. */
struct asked {
	unsigned count;
	uint8_t place[BURST_MOST];
	uint32_t address[BURST_MOST], hop[BURST_MOST], shed[BURST_MOST];
	const void *key[BURST_MOST];
	void *data[BURST_MOST];
	uint64_t hit;
};

static inline void parse_burst(const struct plain *plain, struct burst *b, struct asked *asked)
{
	asked->count = 0;
	for (unsigned i = 0; i < b->count; i++) {
		struct packet *packet = &b->packet[i];

		parse_frame(b->frame[i], b->readable[i], b->length[i], packet);
		asked->place[asked->count] = (uint8_t)i;
		asked->address[asked->count] = (uint32_t)packet->source.lo;
		asked->count += !decide_header(plain->image->settings, packet, &b->decision[i]);
		rte_prefetch0(&plain->lpm->tbl24[(uint32_t)packet->source.lo >> 8]);
	}
}

/* rte_hash fetches its own lines ahead, those of a meter are known only then. */
static inline void ask_tables(const struct plain *plain, struct asked *asked)
{
	for (unsigned j = 0; j < asked->count; j++)
		asked->key[j] = &asked->address[j];
	if (asked->count)
		rte_hash_lookup_bulk_data(plain->sources, asked->key, asked->count, &asked->hit,
					  asked->data);
	for (unsigned j = 0; j < asked->count; j++) {
		if (asked->hit >> j & 1)
			rte_prefetch0(asked->data[j]);
	}
	for (unsigned j = 0; j < asked->count; j += 4)
		rte_lpm_lookupx4(plain->lpm, _mm_loadu_si128((const __m128i *)&asked->address[j]),
				 &asked->hop[j], ORIGIN_UNMAPPED);
}

static inline void hash_burst(const struct plain *plain, struct asked *asked)
{
	uint64_t shed[BURST_MOST];

	for (unsigned j = 0; j < asked->count; j++)
		shed[j] = siphash_4(plain->image->salt, __builtin_bswap32(asked->address[j]));
	for (unsigned j = 0; j < asked->count; j++)
		asked->shed[j] = (uint32_t)shed[j];
}

/* A meter for a source that has none, or the one that late-comers share. */
static struct meter *meter_of_new(struct plain *plain, const uint32_t *address, uint64_t now)
{
	struct meter *meter = &plain->meters[plain->used];

	if (plain->used == plain->room ||
	    rte_hash_add_key_data(plain->sources, address, meter) != 0)
		return &plain->shared;
	plain->used++;
	*meter = plain->shared;
	meter->srtcm.time = now;
	return meter;
}

static inline bool meter_passes(struct meter *meter, struct rte_meter_srtcm_profile *profile,
				uint64_t now)
{
	/* A unit is a packet, not a byte. */
	return rte_meter_srtcm_color_blind_check(&meter->srtcm, profile, now, 1) != RTE_COLOR_RED;
}

static inline enum reason limit(struct plain *plain, struct meter *source, uint16_t rule,
				uint64_t now)
{
	if (!meter_passes(source, &plain->source_profile, now))
		return REASON_SOURCE_LIMIT;
	if (!meter_passes(&plain->rule[rule], &plain->rule_profile, now))
		return REASON_RULE_LIMIT;
	if (!meter_passes(&plain->host, &plain->host_profile, now))
		return REASON_HOST_LIMIT;
	return REASON_ADMITTED;
}

/* Guard and sets. Whether they end the packet. */
static inline bool end_early(const struct plain *plain, const struct packet *packet, uint32_t mark,
			     bool blocked, struct decision *decision)
{
	if (guard_target(plain->image, packet) || mark == PLAIN_GUARD)
		*decision = decision_end(VERDICT_PASS, REASON_GUARD);
	else if (blocked || mark == PLAIN_BLOCK)
		*decision = decision_end(VERDICT_DROP, REASON_BLOCKED);
	else if (mark == PLAIN_ALLOW)
		*decision = decision_end(VERDICT_PASS, REASON_ALLOWED);
	else
		return false;
	return true;
}

static inline void decide_one(struct plain *plain, const struct packet *packet, struct asked *asked,
			      unsigned j, uint64_t now, struct decision *decision)
{
	bool known = asked->hit >> j & 1;
	struct meter *meter = known ? asked->data[j] : NULL;
	uint32_t hop = asked->hop[j];
	struct source_facts facts = {.reason = REASON_DEFAULT};
	const struct rule *rule;

	if (end_early(plain, packet, hop >> PLAIN_ORIGIN_BITS, meter == &plain->blocked, decision))
		return;
	facts.origin = (uint16_t)(hop & PLAIN_ORIGIN);
	if (decide_facts(plain->image, target_find(plain->image, packet), &facts, decision))
		return;
	rule = &plain->image->rules[decision->rule];
	decision->verdict = VERDICT_DROP;
	decision->reason = REASON_SHED;
	if (rule_sheds(rule, packet->flags & PACKET_OPENS) && asked->shed[j] >= rule->admit)
		return;
	if (!known)
		meter = meter_of_new(plain, &asked->address[j], now);
	decision->reason = limit(plain, meter, decision->rule, now);
	if (decision->reason == REASON_ADMITTED)
		decision->verdict = VERDICT_PASS;
}

void plain_decide(struct plain *plain, struct burst *b, struct worker_counters *counters,
		  uint64_t now_ns)
{
	uint64_t now = (uint64_t)((double)now_ns * plain->tsc_ghz);
	struct asked asked;

	parse_burst(plain, b, &asked);
	ask_tables(plain, &asked);
	hash_burst(plain, &asked);
	for (unsigned j = 0; j < asked.count; j++) {
		unsigned i = asked.place[j];

		decide_one(plain, &b->packet[i], &asked, j, now, &b->decision[i]);
	}
	counters_decided(counters, b->length, b->decision, b->count);
	for (unsigned i = 0; i < b->count; i++)
		count_rule(counters, b->length[i], &b->decision[i], plain->image->rules);
}
