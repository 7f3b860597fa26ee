/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker that crosses from one generation to another and back, under random traffic: at every
 * level burst_decide() goes on as decide() does, which remembers and borrows nothing; and it
 * forgets what a change may have changed, and no more.
 */
#include "generation.h"
#include "slots.h"
#include "state_folder.h"
#include "unit/traffic.h"

enum { CROSSINGS = 8, BURSTS = 100, MANY = 600 };

static char many_entries[MANY * 16]; /* more than the latest layer holds */

/* What is forgotten of sources at a crossing. */
enum forgotten { NOTHING, CHANGED, EVERYTHING };

/* Part of traffic_policy, and what it becomes. */
static const struct change {
	const char *what, *from, *to;
	enum forgotten forgotten;
	struct address changed[2]; /* the sources, if CHANGED; one or two */
} changes[] = {
	{"a percentage", "'admit':'60%'", "'admit':'3%'", NOTHING, {{0}}},
	{"none and all", "'admit':'0%'", "'admit':'100%'", NOTHING, {{0}}},
	{"a source's limit", "'pps':1000,'burst':2", "'pps':900000,'burst':90", NOTHING, {{0}}},
	{"a rule's limit", "'pps':100000,'burst':4", "'pps':9000,'burst':70", NOTHING, {{0}}},
	{"a limit less", ",'rule':{'bps':1000000000}", "", NOTHING, {{0}}},
	{"the host's limit", "'pps':4000000,'burst':100", "'pps':400000,'burst':9", NOTHING, {{0}}},
	{"a scope", "'scope':'new'", "'scope':'all'", NOTHING, {{0}}},
	{"who is diverted", "'else':'divert'", "'else':'drop'", NOTHING, {{0}}},
	{"a rule's name", "'name':'dns','service'", "'name':'names','service'", NOTHING, {{0}}},
	{"the malformed", "'malformed':'pass'", "'malformed':'drop'", NOTHING, {{0}}},
	{"the document", "{'schema':1,", "{'schema':1,'name':'other',", NOTHING, {{0}}},
	{"an entry", "'10.0.0.40'", "'10.0.0.44'", CHANGED, {{0, 0x0a000028}, {0, 0x0a00002c}}},
	{"an IPv6 entry",
	 "'10.0.0.41'",
	 "'10.0.0.41','2001:db8:0:30::'",
	 CHANGED,
	 {{UINT64_C(0x20010db800000030), 0}}},
	{"an allowed one",
	 "['10.0.0.16/28',",
	 "['10.0.0.44','10.0.0.16/28',",
	 CHANGED,
	 {{0, 0x0a00002c}}},
	{"one that passes",
	 "'10.0.0.41'",
	 "'10.0.0.41',{'prefix':'10.0.0.44','expires':'1970-01-01T00:00:00.0002Z'}",
	 CHANGED,
	 {{0, 0x0a00002c}}},
	{"many entries", "'10.0.0.40'", many_entries, EVERYTHING, {{0}}},
	{"a wide entry", "'10.0.0.16/28'", "'10.0.0.128/28'", EVERYTHING, {{0}}},
	{"a guarded source", "'10.0.0.0/30'", "'10.0.0.64/30'", EVERYTHING, {{0}}},
	{"a guarded port", "'port':179", "'port':53", EVERYTHING, {{0}}},
	{"a service", "[80,443]", "[80]", EVERYTHING, {{0}}},
	{"rules' order",
	 "'rules':[",
	 "'rules':[{'name':'first','service':'dns','origin':'low','admit':'20%'},",
	 EVERYTHING,
	 {{0}}},
	{"a group", "'prefix:10.0.0.0/24'", "'prefix:10.0.1.0/24'", EVERYTHING, {{0}}},
	{"the default", "'default':'drop'", "'default':'pass'", NOTHING, {{0}}},
	{"the salt",
	 "{'schema':1,",
	 "{'schema':1,'salt':'000102030405060708090a0b0c0d0e0f',",
	 EVERYTHING,
	 {{0}}},
};

/* A side's buckets, and what they count; the image has the same slots for both. */
struct accounts {
	struct state *state;
	struct counters *counters;
};

static char folder[64];
static struct side single, many;
static struct burst_memory memory;
static struct accounts accounts[2];

static void accounts_init(struct accounts *its, struct side *side, bool shared)
{
	free(its->counters);
	its->counters = calloc(1, sizeof *its->counters + sizeof *its->counters->worker);
	CU_ASSERT_PTR_NOT_NULL_FATAL(its->counters);
	its->counters->workers = 1;
	its->state = &side->state.head;
	side_init(side, shared, &its->counters->worker[0]);
}

static void many_entries_print(void)
{
	size_t size = 0;

	for (unsigned i = 0; i < MANY; i++)
		size += (size_t)sprintf(many_entries + size, "%s'10.0.%u.%u'", i ? "," : "",
					i / 200 + 2, i % 200);
}

static struct policy *policy_changed(const struct change *change, bool changed)
{
	const char *at = strstr(traffic_policy, change->from);
	char text[8192 + sizeof many_entries];

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - traffic_policy), traffic_policy,
		 changed ? change->to : change->from, at + strlen(change->from));
	return policy_from(text);
}

/* What a daemon makes of the policy, and upon that of the changed one. */
static void compile_both(const struct change *change, struct compiled compiled[2])
{
	struct feed_paths paths = {0};
	struct error error = {0};

	for (unsigned i = 0; i < 2; i++) {
		struct policy *policy = policy_changed(change, i);

		CU_ASSERT_EQUAL_FATAL(
			compile(policy, &paths, i ? &compiled[0] : NULL, &compiled[i], &error), 0);
		policy_free(policy);
	}
}

/* What a data plane loads of it beside what runs. */
static struct generation *generation_next(const struct compiled *compiled,
					  const struct generation *running)
{
	uint64_t number = running ? running->number + 1 : 1;
	struct generation *generation = NULL;
	struct board_refusal refusal;

	CU_ASSERT_EQUAL_FATAL(state_folder_write_compiled(compiled, folder, STATE_WANTED, number),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		generation_load(folder, STATE_WANTED, running, 0, &generation, &refusal), 0);
	if (running && generation->image.rules == running->image.rules)
		return generation;
	for (unsigned i = 0; i < 2; i++) {
		struct counters *counters = accounts[i].counters;

		slots_assign(accounts[i].state, &generation->image,
			     running ? &running->image : NULL);
		slots_count(counters->slot_rule, counters->worker, 1, &generation->image);
	}
	return generation;
}

static bool is_changed(const struct change *change, struct address source)
{
	for (unsigned i = 0; i < 2; i++) {
		if (change->changed[i].hi == source.hi && change->changed[i].lo == source.lo)
			return true;
	}
	return false;
}

/* How much is remembered: of sources that were changed, or of others. */
static unsigned remembered(const struct change *change, bool changed)
{
	unsigned count = 0;

	for (unsigned i = 0; i < 1 << RECALL_SOURCE_BITS; i++) {
		for (unsigned way = 0; way < RECALL_SOURCE_WAYS; way++) {
			const struct source_facts *facts = &memory.recall.source[i][way];

			count += facts->kind != 0 && is_changed(change, facts->address) == changed;
		}
	}
	return count;
}

static bool lease_is_new(const struct lease *lease)
{
	static const struct lease new;

	return memcmp(lease, &new, sizeof new) == 0;
}

static bool leases_are_new(void)
{
	bool all = lease_is_new(&memory.host);

	for (unsigned slot = 0; slot < CAP_RULE_SLOTS; slot++)
		all &= !memory.rule[slot].open && lease_is_new(&memory.rule[slot].lease);
	return all;
}

static bool any_is_lent(void)
{
	bool any = false;

	for (unsigned slot = 0; slot < CAP_RULE_SLOTS; slot++) {
		const uint64_t *ticks = memory.rule[slot].lease.ticks;

		any |= (ticks[BUCKET_PPS] | ticks[BUCKET_BPS]) != 0;
	}
	return any;
}

/* What there was to give back or to forget. */
struct crossed {
	unsigned lent, remembered;
};

static void cross(const struct generation *next, const struct generation *former,
		  const struct change *change, uint64_t now_ns, struct crossed *crossed)
{
	bool other_rules = next->image.rules != former->image.rules;
	unsigned others = remembered(change, false);

	crossed->lent += any_is_lent();
	crossed->remembered += remembered(change, true);
	CU_ASSERT(others > 0);
	generation_cross(next, former, &memory, &many.state.head);
	CU_ASSERT(!other_rules || (leases_are_new() && side_equals(&single, &many, now_ns)));
	CU_ASSERT_EQUAL(remembered(change, true), 0);
	CU_ASSERT_EQUAL(remembered(change, false), change->forgotten == EVERYTHING ? 0 : others);
}

/*
 * Packets that were decided differently while the policy was changed and changed back. Where
 * workers share buckets they keep what they borrowed; what they give back is then exact only
 * if no time has passed.
 */
static unsigned run(const struct change *change, const struct burst_level *level, bool shared)
{
	struct generation *running, *former;
	struct crossed crossed = {0};
	unsigned differ = 0;
	struct compiled compiled[2];
	uint64_t now_ns = 0;

	accounts_init(&accounts[0], &single, shared);
	accounts_init(&accounts[1], &many, shared);
	memset(&memory, 0, sizeof memory);
	compile_both(change, compiled);
	running = generation_next(&compiled[0], NULL);
	for (unsigned crossing = 1; crossing <= CROSSINGS; crossing++) {
		now_ns += random_below(200000);
		for (unsigned i = 0; i < BURSTS; i++) {
			now_ns += shared ? 0 : random_below(8000);
			differ += traffic_differs(level, &running->image, &single, &many, &memory,
						  now_ns);
		}
		former = running;
		running = generation_next(&compiled[crossing % 2], former);
		cross(running, former, change, now_ns, &crossed);
		generation_free(former);
	}
	CU_ASSERT_EQUAL(crossed.lent, shared ? CROSSINGS : 0);
	CU_ASSERT(change->forgotten != CHANGED || crossed.remembered > 0);
	generation_free(running);
	compiled_unref(&compiled[0]);
	compiled_unref(&compiled[1]);
	return differ;
}

static void compare(const char *name)
{
	const struct burst_level *level = burst_level(name);

	if (!level) {
		printf("(this CPU has no %s) ", name);
		return;
	}
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		for (unsigned shared = 0; shared < 2; shared++) {
			unsigned differ = run(&changes[i], level, shared);

			if (differ)
				fprintf(stderr, "\n%s: %u differ\n", changes[i].what, differ);
			CU_ASSERT_EQUAL(differ, 0);
		}
	}
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

int main(void)
{
	CU_TestInfo tests[] = {
		{"scalar goes on as decide()", test_scalar},
		{"avx2 goes on as decide()", test_avx2},
		{"avx512 goes on as decide()", test_avx512},
		CU_TEST_INFO_NULL,
	};
	char remove[80];
	int result;

	snprintf(folder, sizeof folder, "/tmp/sluice-change-XXXXXX");
	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	many_entries_print();
	result = suite_run("change", tests);
	free(accounts[0].counters);
	free(accounts[1].counters);
	snprintf(remove, sizeof remove, "rm -r %s", folder);
	return system(remove) ? EXIT_FAILURE : result;
}
