/* SPDX-License-Identifier: BSD-3-Clause */
/* Leases: as exact as single charges for one worker, and bounded for several. */
#include "lease.h"
#include "packet.h"
#include "random.h"
#include "suite.h"

#include <pthread.h>

/* 10 million packets/s, a hundred at once; and 1 Gbit/s, 12,500 bytes at once. */
static const struct bucket_limit limit = {{
	{.cost = 100 << BUCKET_TICK_BITS, .limit = 10000 << BUCKET_TICK_BITS},
	{.cost = 8 << BUCKET_TICK_BITS, .limit = 100000 << BUCKET_TICK_BITS},
}};

static STATE_OF(SOURCE_GROUP) memory;
static struct state *const state = &memory.head;
static uint64_t words[BUCKET_RATES];

static void setup(bool shared)
{
	state_init(state, SOURCE_GROUP, (struct siphash_key){1, 2}, 0, shared);
	words[BUCKET_PPS] = words[BUCKET_BPS] = 0;
}

static bool take(struct lease *lease, uint32_t bytes)
{
	if (!lease_covers(lease, bytes))
		return false;
	lease_spend(lease, bytes);
	return true;
}

/* What a bucket that is asked for each packet on its own would say. */
static bool take_exactly(uint64_t exact[BUCKET_RATES], uint32_t bytes, uint64_t now)
{
	uint64_t taken[BUCKET_RATES];

	for (enum bucket_rate i = 0; i < BUCKET_RATES; i++) {
		const struct bucket_profile *profile = &limit.rate[i];

		taken[i] = bucket_taken(exact[i], now, bucket_cost(profile, i, bytes));
		if (!bucket_fits(profile, taken[i], now))
			return false;
	}
	exact[BUCKET_PPS] = taken[BUCKET_PPS];
	exact[BUCKET_BPS] = taken[BUCKET_BPS];
	return true;
}

static void test_one_worker(void)
{
	uint64_t exact[BUCKET_RATES] = {0, 0}, now = 0;
	unsigned differ = 0, refused = 0;
	struct lease lease = {0};

	setup(false);
	for (int round = 0; round < 20000; round++) {
		uint32_t lengths[BURST_MOST], count = random_below(BURST_MOST) + 1;
		struct lease_units need = {{count, 0}};

		now += bucket_ticks(random_below(20000));
		for (uint32_t i = 0; i < count; i++)
			need.rate[BUCKET_BPS] += lengths[i] = 60 + random_below(200);
		lease_open(&lease, state, words, &limit, need, now);
		for (uint32_t i = 0; i < count; i++) {
			bool taken = take(&lease, lengths[i]);

			refused += !taken;
			differ += taken != take_exactly(exact, lengths[i], now);
		}
		lease_end(&lease, state, words, &limit);
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT(refused > 1000);
}

enum { WORKERS = 4, SPAN_MOST = 1 << 14 };

/* What was admitted when, to look at every interval that begins with a packet. */
struct admitted {
	uint64_t at; /* ticks */
	uint32_t bytes;
};

/* The most units admitted beyond burst and rate in any interval, by the worst start of it. */
static int64_t worst_excess(const struct admitted *log, unsigned count, unsigned rate)
{
	const struct bucket_profile *profile = &limit.rate[rate];
	int64_t worst = INT64_MIN, low = INT64_MAX, sum = 0;

	for (unsigned i = 0; i < count; i++) {
		int64_t earned = (int64_t)(log[i].at / profile->cost);

		if (sum - earned < low)
			low = sum - earned;
		sum += rate == BUCKET_PPS ? 1 : log[i].bytes;
		if (sum - earned - low > worst)
			worst = sum - earned - low;
	}
	return worst - (int64_t)(profile->limit / profile->cost);
}

/*
 * Workers whose bursts overlap in every possible way, at from an eighth of the rate to eight
 * times as much: never more than a burst for each but one beyond the limit.
 */
static void test_workers(void)
{
	static struct admitted log[SPAN_MOST];

	for (unsigned speed = 1; speed <= 64; speed *= 2) {
		struct lease lease[WORKERS] = {0};
		bool open[WORKERS] = {false};
		uint64_t begun[WORKERS] = {0}, now = 0;
		unsigned count = 0;

		setup(true);
		for (int step = 0; step < 100000 && count + BURST_MOST < SPAN_MOST; step++) {
			unsigned w = random_below(WORKERS);

			now += bucket_ticks(random_below(64 * 100 * 8 / WORKERS / speed));
			if (open[w]) {
				for (uint32_t i = random_below(BURST_MOST); i > 0; i--) {
					if (take(&lease[w], 100))
						log[count++] = (struct admitted){now, 100};
				}
				lease_end(&lease[w], state, words, &limit);
			} else {
				begun[w] = now;
				lease_open(&lease[w], state, words, &limit,
					   (struct lease_units){{BURST_MOST, BURST_MOST * 100}},
					   begun[w]);
			}
			open[w] = !open[w];
		}
		CU_ASSERT(count > 1000);
		CU_ASSERT(worst_excess(log, count, BUCKET_PPS) <= (WORKERS - 1) * BURST_MOST + 1);
		CU_ASSERT(worst_excess(log, count, BUCKET_BPS) <=
			  ((WORKERS - 1) * BURST_MOST + 1) * 100);
	}
}

enum { RICH_PACKETS = BURST_MOST << (LEASE_RICH_BITS + 1) };

/* 10 million packets/s, and so many at once that workers may keep some. */
static const struct bucket_limit rich = {{
	{.cost = 100 << BUCKET_TICK_BITS,
	 .limit = (uint64_t)RICH_PACKETS * 100 << BUCKET_TICK_BITS},
	{0},
}};
static const struct lease_units burst = {{BURST_MOST, BURST_MOST * 100}};

/* A rich bucket is written to once in LEASE_BURSTS bursts, and by one worker always. */
static void test_rich_bucket(void)
{
	struct lease lease = {0};
	unsigned writes = 0;

	setup(true);
	for (int i = 0; i < 4 * LEASE_BURSTS; i++) {
		uint64_t before = words[BUCKET_PPS];

		lease_open(&lease, state, words, &rich, burst, 0);
		for (int j = 0; j < BURST_MOST; j++)
			CU_ASSERT(take(&lease, 100));
		lease_pause(&lease, state, words, &rich);
		writes += words[BUCKET_PPS] != before;
	}
	CU_ASSERT_EQUAL(writes, 4);
	CU_ASSERT_EQUAL(words[BUCKET_PPS],
			(uint64_t)4 * LEASE_BURSTS * BURST_MOST * rich.rate[BUCKET_PPS].cost);
	lease_open(&lease, state, words, &rich, burst, 0);
	lease_end(&lease, state, words, &rich);
	CU_ASSERT_EQUAL(words[BUCKET_PPS],
			(uint64_t)4 * LEASE_BURSTS * BURST_MOST * rich.rate[BUCKET_PPS].cost);
}

/* From full to empty, workers get what there was, not a packet more, and leave none behind. */
static void test_rich_to_empty(void)
{
	struct lease lease[WORKERS] = {0};
	unsigned admitted = 0, refusals = 0;

	setup(true);
	while (refusals < 1000) {
		unsigned w = random_below(WORKERS);

		lease_open(&lease[w], state, words, &rich, burst, 0);
		for (uint32_t i = random_below(BURST_MOST); i > 0; i--) {
			bool taken = take(&lease[w], 100);

			admitted += taken;
			refusals += !taken;
		}
		lease_pause(&lease[w], state, words, &rich);
	}
	CU_ASSERT_EQUAL(admitted, RICH_PACKETS);
	for (unsigned w = 0; w < WORKERS; w++)
		CU_ASSERT_EQUAL(lease_left(&lease[w], BUCKET_PPS), 0);
}

struct racer {
	pthread_t thread;
	unsigned admitted;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct lease lease = {0};
	unsigned before;

	do {
		before = racer->admitted;
		lease_open(&lease, state, words, &rich, burst, 0);
		while (racer->admitted < before + BURST_MOST && take(&lease, 100))
			racer->admitted++;
		lease_pause(&lease, state, words, &rich);
	} while (racer->admitted > before);
	return NULL;
}

/* The same from two threads, whatever comes between what they read and what they write. */
static void test_race(void)
{
	struct racer racers[2] = {0};

	setup(true);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(racers[i].thread, NULL);
	CU_ASSERT_EQUAL(racers[0].admitted + racers[1].admitted, RICH_PACKETS);
}

static void test_up_to(void)
{
	struct lease lease = {0};

	setup(false);
	for (int i = 0; i < 1000; i++) {
		lease_open(&lease, state, words, &limit, (struct lease_units){{1, 1500}}, 0);
		lease_spend_up_to(&lease, 1500);
		lease_end(&lease, state, words, &limit);
	}
	CU_ASSERT_EQUAL(words[BUCKET_PPS], limit.rate[BUCKET_PPS].limit);
	CU_ASSERT_EQUAL(words[BUCKET_BPS], limit.rate[BUCKET_BPS].limit);
}

static void test_no_limit(void)
{
	const struct bucket_limit none = {{{0}, {0}}};
	struct lease lease = {0};

	setup(false);
	lease_open(&lease, state, words, &none, (struct lease_units){{64, 64 * CAP_FRAME}}, 5);
	for (int i = 0; i < 64; i++)
		CU_ASSERT(take(&lease, CAP_FRAME));
	lease_end(&lease, state, words, &none);
	CU_ASSERT_EQUAL(words[BUCKET_PPS] | words[BUCKET_BPS], 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"one worker is as exact as single charges", test_one_worker},
		{"several overshoot by a burst for each but one", test_workers},
		{"workers keep some of a rich bucket", test_rich_bucket},
		{"and get no more than there is", test_rich_to_empty},
		{"at once too", test_race},
		{"what may not be refused leaves no debt", test_up_to},
		{"no limit, no charge", test_no_limit},
		CU_TEST_INFO_NULL,
	};

	return suite_run("lease", tests);
}
