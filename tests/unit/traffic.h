/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random frames, a policy that ends them in every way there is, and the two ways to decide
 * them: packet by packet, and by the burst.
 */
#pragma once

#include "burst.h"
#include "parse.h"
#include "policies.h"

enum { TRAFFIC_LINES = 64, TRAFFIC_FRAME = 128, TRAFFIC_SOURCES = 600 };

static const char *const traffic_policy =
	"{'schema':1,'malformed':'pass','link':'arp','default':'drop',"
	"'guard':{'sources':['10.0.0.0/30','2001:db8:f::/48'],'destinations':['198.18.7.0/24'],"
	"'ports':[{'proto':'tcp','port':179}]},"
	"'sets':{'a':{'verdict':'allow','entries':['10.0.0.16/28','2001:db8:0:20::/60',"
	"{'prefix':'10.0.1.0/26','expires':'1970-01-01T00:00:00.002Z'}]},"
	"'b':{'verdict':'block','entries':['10.0.0.17','10.0.0.40','10.0.0.41','2001:db8::7',"
	"{'prefix':'10.0.0.64','expires':'1970-01-01T00:00:00.001Z'}]}},"
	"'origins':{'feeds':[],'groups':{'low':['prefix:10.0.0.0/24','prefix:2001:db8::/58'],"
	"'rest':['!group:low','unmapped']}},"
	"'fallbacks':{'lite':{'mac':'02:00:00:00:0f:01'}},"
	"'services':{'web':{'destinations':['198.18.0.0/24','2001:db8:1::/48'],'proto':'tcp',"
	"'ports':[80,443],'fallback':'lite'},'dns':{'proto':'udp','ports':[53]},'other':{"
	"'destinations':['198.18.0.0/16']}},"
	"'rules':[{'name':'low','service':'web','origin':'low','admit':'60%','else':'divert',"
	"'limit':{'source':{'pps':1000,'burst':2},'rule':{'pps':1000000}}},"
	"{'name':'web','service':'web','admit':'50%','scope':'new',"
	"'limit':{'source':{'pps':50000,'bps':100000000},'rule':{'bps':1000000000}}},"
	"{'name':'dns','service':'dns','limit':{'rule':{'pps':100000,'burst':4}}},"
	"{'name':'other','service':'other','origin':'low','admit':'0%'}],"
	"'host':{'pps':4000000,'burst':100}}";

/* One of the two ways to decide, with everything that it changes. */
struct side {
	STATE_OF(TRAFFIC_LINES) state;
	struct worker_counters *counters;
};

static inline void side_init(struct side *side, bool shared, struct worker_counters *counters)
{
	memset(side, 0, sizeof *side);
	memset(counters, 0, sizeof *counters);
	side->counters = counters;
	state_init(&side->state.head, TRAFFIC_LINES, (struct siphash_key){5, 6}, 0, shared);
}

/* Whether two buckets have the same room: a full one may say since when, or that it is. */
static inline bool bucket_equals(uint64_t a, uint64_t b, uint64_t now)
{
	return a == b || (a <= now && b <= now);
}

/* Whether buckets and counters are the same. */
static inline bool side_equals(const struct side *a, const struct side *b, uint64_t now_ns)
{
	uint64_t now = state_now(&a->state.head, now_ns);
	bool equal = memcmp(a->counters, b->counters, sizeof *a->counters) == 0 &&
		     memcmp(a->state.line, b->state.line, sizeof a->state.line) == 0;

	for (unsigned rate = 0; rate < BUCKET_RATES; rate++) {
		equal &= bucket_equals(a->state.head.host[rate], b->state.head.host[rate], now);
		for (unsigned slot = 0; slot < CAP_RULE_SLOTS; slot++) {
			const struct rule_state *one = &a->state.rule[slot];
			const struct rule_state *other = &b->state.rule[slot];

			equal &= bucket_equals(one->rate[rate], other->rate[rate], now);
			equal &= memcmp(one->overflow, other->overflow, sizeof one->overflow) == 0;
		}
	}
	return equal;
}

static inline void put_ip4(uint8_t *at, uint32_t source, uint8_t protocol)
{
	const uint8_t header[20] = {0x45,
				    0,
				    0,
				    TRAFFIC_FRAME - 14,
				    0,
				    0,
				    0,
				    0,
				    64,
				    protocol,
				    0,
				    0,
				    10,
				    0,
				    (uint8_t)(source >> 8),
				    (uint8_t)source,
				    198,
				    18,
				    random_below(9) ? 0 : 7,
				    1};

	memcpy(at, header, sizeof header);
	at[6] = random_below(30) ? 0 : 0x20;
	at[7] = random_below(30) ? 0 : 9;
}

static inline void put_ip6(uint8_t *at, uint32_t source, uint8_t protocol)
{
	const uint8_t header[24] = {0x60,     0,
				    0,        0,
				    0,        TRAFFIC_FRAME - 14 - 40,
				    protocol, 64,
				    0x20,     1,
				    0x0d,     0xb8,
				    0,        random_below(9) ? 0 : 15,
				    0,        (uint8_t)(source % 200)};

	memcpy(at, header, sizeof header);
	at[23] = (uint8_t)(source / 200);
	memcpy(at + 24, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, 0, 1, 0}, 16);
}

static inline void put_transport(uint8_t *at, uint8_t protocol)
{
	static const uint16_t ports[] = {80, 443, 53, 179, 9999};
	uint16_t port = ports[random_below(5)];

	at[2] = (uint8_t)(port >> 8);
	at[3] = (uint8_t)port;
	if (protocol == PROTO_TCP) {
		at[12] = random_below(20) ? 0x50 : 0xf0;
		at[13] = random_below(2) ? 0x02 : 0x10;
	}
	if (protocol == PROTO_UDP && random_below(2))
		memcpy(at + 8, (uint8_t[5]){0xc3, 0, 0, 0, 1}, 5);
}

/*
 * Mostly good packets of a few hundred sources, ten of them familiar, of both families, now and
 * then tagged or torn.
 */
static inline uint32_t put_frame(uint8_t *frame)
{
	static const uint8_t protocols[] = {PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP};
	uint8_t protocol = protocols[random_below(4)];
	uint32_t source = random_below(4) ? 40 + random_below(10) : random_below(TRAFFIC_SOURCES);
	uint32_t at = 14;
	bool ip6 = random_below(3) == 0, tagged = random_below(5) == 0;

	memset(frame, 0, TRAFFIC_FRAME);
	if (tagged) {
		memcpy(frame + 12, (uint8_t[4]){0x81, 0, 0, 5}, 4);
		at = 18;
	}
	frame[at - 2] = ip6 ? 0x86 : 0x08;
	frame[at - 1] = ip6 ? 0xdd : random_below(40) ? 0 : 6;
	if (ip6)
		put_ip6(frame + at, source, protocol);
	else
		put_ip4(frame + at, source, protocol);
	put_transport(frame + at + (ip6 ? 40 : 20), protocol);
	if (tagged) /* what the headers say of their length fits no more */
		frame[ip6 ? at + 5 : at + 3] -= random_below(20) ? 4 : 0;
	return random_below(50) ? TRAFFIC_FRAME : random_below(TRAFFIC_FRAME);
}

static inline void traffic_fill(struct burst *burst)
{
	static uint8_t frames[BURST_MOST][TRAFFIC_FRAME];

	burst->count = random_below(20) ? BURST_MOST : random_below(BURST_MOST + 1);
	for (unsigned i = 0; i < burst->count; i++) {
		burst->frame[i] = frames[i];
		burst->length[i] = burst->readable[i] = put_frame(frames[i]);
	}
}

/* What is decided of the burst's packets one by one. */
static inline void decide_singly(const struct image *image, struct side *side,
				 const struct burst *burst, uint64_t now_ns,
				 struct decision *decisions)
{
	for (unsigned i = 0; i < burst->count; i++) {
		struct packet packet;

		parse_frame(burst->frame[i], burst->readable[i], burst->length[i], &packet);
		decisions[i] = decide(image, &side->state.head, &packet, now_ns);
		counters_decided(side->counters, &burst->length[i], &decisions[i], 1);
		count_rule(side->counters, burst->length[i], &decisions[i], image->rules);
	}
}

/* How many of a burst are decided differently, by the two sides. */
static inline unsigned traffic_differs(const struct burst_level *level, const struct image *image,
				       struct side *single, struct side *many,
				       struct burst_memory *memory, uint64_t now_ns)
{
	struct decision decisions[BURST_MOST];
	unsigned differ = 0;
	struct burst burst;

	traffic_fill(&burst);
	decide_singly(image, single, &burst, now_ns, decisions);
	level->decide(&burst, image, &many->state.head, memory, many->counters, now_ns);
	for (unsigned i = 0; i < burst.count; i++)
		differ += memcmp(&burst.decision[i], &decisions[i], sizeof *decisions) != 0;
	return differ;
}
