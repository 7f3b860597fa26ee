/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every level of burst_decide() against decide(), packet by packet, over random frames: same
 * verdict, same reason, same rule, equal counters, equal buckets.
 */
#include "burst.h"
#include "parse.h"
#include "policies.h"

enum { LINES = 64, BURSTS = 3000, FRAME = 128, SOURCES = 600 };

static const char *const text =
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
	struct source_line lines[LINES];
	struct state state;
	struct worker_counters counters;
};

static struct made made;
static struct side single, many;
static struct burst_memory memory;
static uint8_t frames[BURST_MOST][FRAME];

static void put_ip4(uint8_t *at, uint32_t source, uint8_t protocol)
{
	const uint8_t header[20] = {0x45,
				    0,
				    0,
				    FRAME - 14,
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

static void put_ip6(uint8_t *at, uint32_t source, uint8_t protocol)
{
	const uint8_t header[24] = {0x60,     0,
				    0,        0,
				    0,        FRAME - 14 - 40,
				    protocol, 64,
				    0x20,     1,
				    0x0d,     0xb8,
				    0,        random_below(9) ? 0 : 15,
				    0,        (uint8_t)(source % 200)};

	memcpy(at, header, sizeof header);
	at[23] = (uint8_t)(source / 200);
	memcpy(at + 24, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, 0, 1, 0}, 16);
}

static void put_transport(uint8_t *at, uint8_t protocol)
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

/* Mostly good packets of a few hundred sources, of both families, now and then tagged or torn. */
static uint32_t put_frame(uint8_t *frame)
{
	static const uint8_t protocols[] = {PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP};
	uint8_t protocol = protocols[random_below(4)];
	uint32_t source = random_below(SOURCES), at = 14;
	bool ip6 = random_below(3) == 0, tagged = random_below(5) == 0;

	memset(frame, 0, FRAME);
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
	return random_below(50) ? FRAME : random_below(FRAME);
}

static void decide_singly(const struct burst *burst, uint64_t now_ns, struct decision *decisions)
{
	for (unsigned i = 0; i < burst->count; i++) {
		struct packet packet;

		parse_frame(burst->frame[i], burst->readable[i], burst->length[i], &packet);
		decisions[i] = decide(&made.image, &single.state, &packet, now_ns);
		counters_decided(&single.counters, &burst->length[i], &decisions[i], 1,
				 made.image.rules);
	}
}

static unsigned differing(const struct decision *a, const struct decision *b, unsigned count)
{
	unsigned differ = 0;

	for (unsigned i = 0; i < count; i++)
		differ += memcmp(&a[i], &b[i], sizeof *a) != 0;
	return differ;
}

static void side_init(struct side *side)
{
	memset(side, 0, sizeof *side);
	state_init(&side->state, side->lines, LINES, (struct siphash_key){5, 6}, 0, false);
}

static void fill(struct burst *burst)
{
	burst->count = random_below(20) ? BURST_MOST : random_below(BURST_MOST + 1);
	for (unsigned i = 0; i < burst->count; i++) {
		burst->frame[i] = frames[i];
		burst->length[i] = burst->readable[i] = put_frame(frames[i]);
	}
}

/* A change of generation may forget, as workers do, or happen to leave nothing to forget. */
static void compare(const char *name)
{
	const struct burst_level *level = burst_level(name);
	struct decision decisions[BURST_MOST];
	unsigned differ = 0;
	struct burst burst;
	uint64_t now_ns = 0;

	if (!level) {
		printf("(this CPU has no %s) ", name);
		return;
	}
	side_init(&single);
	side_init(&many);
	memset(&memory, 0, sizeof memory);
	for (int round = 0; round < BURSTS; round++) {
		now_ns += random_below(4000);
		fill(&burst);
		decide_singly(&burst, now_ns, decisions);
		level->decide(&burst, &made.image, &many.state, &memory, &many.counters, now_ns);
		differ += differing(burst.decision, decisions, burst.count);
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT_EQUAL(memcmp(&single.counters, &many.counters, sizeof many.counters), 0);
	CU_ASSERT_EQUAL(memcmp(single.lines, many.lines, sizeof many.lines), 0);
	CU_ASSERT_EQUAL(memcmp(single.state.rules, many.state.rules, sizeof many.state.rules), 0);
	CU_ASSERT_EQUAL(memcmp(single.state.host, many.state.host, sizeof many.state.host), 0);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		CU_ASSERT(many.counters.reason[reason].packets > 0);
}

static void test_compile(void)
{
	made_from(&made, policy_from(text));
	for (uint16_t i = 0; i < made.image.rule_count; i++)
		made.image.rules[i].slot = i;
}

static void test_scalar(void)
{
	compare("scalar");
}

static void test_avx2(void)
{
	compare("avx2");
}

static void test_avx512(void)
{
	compare("avx512");
}

static void test_levels(void)
{
	CU_ASSERT_PTR_NULL(burst_level("mmx"));
	CU_ASSERT_PTR_EQUAL(burst_level(burst_level_best()->name), burst_level_best());
}

static bool is_recalled(const struct packet *packet)
{
	return recall_find(recall_ways(&memory.recall, packet->source), packet) != NULL;
}

static void remember(const struct packet *packet)
{
	const struct decision decision = decision_end(VERDICT_PASS, REASON_DEFAULT);

	for (int i = 0; i < RECALL_EVERY; i++)
		recall_store(&memory.recall, packet, (struct source){7, 0, 0}, 9, decision);
	CU_ASSERT(is_recalled(packet));
}

static void test_recall(void)
{
	struct packet packet = packet_from(false, (struct address){0, 0x0a000203});
	struct packet other = packet;

	recall_clear(&memory.recall);
	remember(&packet);
	other.destination_port++;
	CU_ASSERT_FALSE(is_recalled(&other));
	recall_forget(&memory.recall, packet.source);
	CU_ASSERT_FALSE(is_recalled(&packet));
}

/* Who is in the latest layer of sets is looked up again; others are remembered still. */
static void test_forget_layer(void)
{
	static const struct address addresses[2] = {{0, 0x0a000203}, {0x20010db8, 77}};
	struct feed_paths paths = {0};
	struct error error = {0};
	struct made before, next = {.policy = policy_copy(made.policy)};
	struct packet other = packet_from(false, (struct address){0, 0x0a000204}), packet[2];
	size_t changed;

	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct entry_params entry = {
			.prefix = {addresses[ip6], (uint8_t)ip6, ip6 ? 128 : 32},
		};

		CU_ASSERT_EQUAL(set_params_add(&next.policy->sets[0], &entry, 1, &changed), 0);
		packet[ip6] = packet_from(ip6, addresses[ip6]);
	}
	made_from(&before, policy_copy(made.policy));
	CU_ASSERT_EQUAL_FATAL(
		compile(next.policy, &paths, &before.compiled, &next.compiled, &error), 0);
	CU_ASSERT_EQUAL_FATAL(compiled_open(&next.compiled, &next.image, &error), 0);
	recall_clear(&memory.recall);
	remember(&packet[0]);
	remember(&packet[1]);
	remember(&other);
	recall_forget_layer(&memory.recall, &next.image.singles[0]);
	CU_ASSERT_FALSE(is_recalled(&packet[0]));
	CU_ASSERT_FALSE(is_recalled(&packet[1]));
	CU_ASSERT(is_recalled(&other));
	made_free(&next);
	made_free(&before);
}

static void test_free(void)
{
	made_free(&made);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a policy of everything", test_compile},
		{"scalar decides as decide()", test_scalar},
		{"avx2 decides as decide()", test_avx2},
		{"avx512 decides as decide()", test_avx512},
		{"levels by name", test_levels},
		{"what is recalled, and forgotten", test_recall},
		{"the latest layer is forgotten", test_forget_layer},
		{"the policy is freed", test_free},
		CU_TEST_INFO_NULL,
	};

	return suite_run("burst", tests);
}
