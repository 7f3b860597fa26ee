/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every level of burst_decide() against decide(), packet by packet, over random frames: same
 * verdict, same reason, same rule, equal counters, equal buckets.
 */
#include "traffic.h"

enum { BURSTS = 3000 };

static struct made made;
static struct side single, many;
static struct burst_memory memory;
static uint16_t *direct4;

static void compare(const char *name)
{
	static struct worker_counters counters[2];
	const struct burst_level *level = burst_level(name);
	unsigned differ = 0;
	uint64_t now_ns = 0;

	if (!level) {
		printf("(this CPU has no %s) ", name);
		return;
	}
	side_init(&single, false, &counters[0]);
	side_init(&many, false, &counters[1]);
	memset(&memory, 0, sizeof memory);
	for (int round = 0; round < BURSTS; round++) {
		now_ns += random_below(4000);
		differ += traffic_differs(level, &made.image, &single, &many, &memory, now_ns);
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT(side_equals(&single, &many, now_ns));
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		CU_ASSERT(many.counters->reason[reason].packets > 0);
}

static void test_compile(void)
{
	made_from(&made, policy_from(traffic_policy));
	for (uint16_t i = 0; i < made.image.rule_count; i++)
		made.image.rules[i].slot = i;
	direct4 = calloc(1, DIRECT_BYTES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(direct4);
	image_direct4(&made.image, direct4);
	made.image.direct4 = direct4;
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
	const struct source_facts facts = {
		.address = packet->source, .kind = packet->kind, .reason = REASON_DEFAULT};

	recall_store(&memory.recall, &facts);
	CU_ASSERT(is_recalled(packet));
}

static void test_recall(void)
{
	struct packet packet = packet_from(false, (struct address){0, 0x0a000203});
	struct packet other = packet;

	recall_clear(&memory.recall);
	remember(&packet);
	other.kind = PACKET_IP6;
	CU_ASSERT_FALSE(is_recalled(&other));
	other.source.lo++;
	CU_ASSERT_FALSE(is_recalled(&other));
	recall_forget(&memory.recall, packet.source);
	CU_ASSERT_FALSE(is_recalled(&packet));
}

/* Targets that share a place in the cache are told apart, and every one is as the image says. */
static void test_recall_target(void)
{
	struct packet packet = packet_from(false, (struct address){0, 0x0a000203});
	unsigned wrong = 0;

	recall_clear(&memory.recall);
	for (unsigned i = 0; i < 100000; i++) {
		struct target_facts facts, found;

		packet.destination.lo = 0xc6120000 | random_below(2048);
		packet.destination_port = (uint16_t)random_below(500);
		packet.protocol = random_below(2) ? PROTO_TCP : PROTO_UDP;
		facts = recall_target(&memory.recall, &made.image, &packet);
		found = target_find(&made.image, &packet);
		wrong += memcmp(&facts, &found, sizeof facts) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
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
	free(direct4);
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
		{"targets are told apart", test_recall_target},
		{"the latest layer is forgotten", test_forget_layer},
		{"the policy is freed", test_free},
		CU_TEST_INFO_NULL,
	};

	return suite_run("burst", tests);
}
