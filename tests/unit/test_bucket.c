/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiled rates against an exact token bucket: tokens are whole numbers of units times the
 * ns that a unit costs at a rate of one, so that no division, hence no rounding, occurs.
 */
#include "compile/profile.h"
#include "random.h"
#include "suite.h"

enum { STEPS = 20000 };
#define START_NS  UINT64_C(1000000000)
#define A_YEAR_NS (365 * 86400 * START_NS)

typedef unsigned __int128 exact;

struct meter {
	struct bucket_profile profile;
	enum bucket_rate kind;
	uint64_t rate, burst; /* units: packets/s, or bits/s and bytes */
	uint64_t unit_ns;     /* at a rate of one */
	uint64_t state;       /* the bucket's */
	uint64_t last_ns;
};

static struct meter meter_packets(uint64_t pps, uint64_t burst)
{
	struct bucket_limit limit =
		profile_limit(&(struct rate_params){.pps = pps, .burst = burst});

	return (struct meter){
		.profile = limit.rate[BUCKET_PPS],
		.rate = pps,
		.burst = burst,
		.unit_ns = 1000000000,
		.last_ns = START_NS,
	};
}

static struct meter meter_bytes(uint64_t bps, uint64_t burst)
{
	struct bucket_limit limit =
		profile_limit(&(struct rate_params){.bps = bps, .burst = burst});

	return (struct meter){
		.profile = limit.rate[BUCKET_BPS],
		.kind = BUCKET_BPS,
		.rate = bps,
		.burst = burst,
		.unit_ns = UINT64_C(8000000000),
		.last_ns = START_NS,
	};
}

static exact meter_cost(const struct meter *meter, uint32_t length)
{
	return (exact)(meter->kind == BUCKET_BPS ? length : 1) * meter->unit_ns;
}

/* Ask the compiled bucket, and charge it if it has room. */
static bool meter_take(struct meter *meter, uint64_t now_ns, uint32_t length)
{
	uint64_t now = bucket_ticks(now_ns);
	uint64_t cost = bucket_cost(&meter->profile, meter->kind, length);
	uint64_t taken = bucket_taken(meter->state, now, cost);

	if (!bucket_fits(&meter->profile, taken, now))
		return false;
	meter->state = taken;
	return true;
}

/* About what a bucket earns for one packet, now and then a long pause. */
static uint64_t random_pause(const struct meter *meter, uint32_t length)
{
	uint64_t due = (uint64_t)(meter_cost(meter, length) / meter->rate);
	uint64_t span = random_below(2000) ? due * 2 : due * meter->burst;

	return random_below(3) ? random_u64() % (span + 2) : 0;
}

static uint32_t random_length(void)
{
	return random_below(20) ? 60 + random_below(1455) : 60 + random_below(CAP_FRAME - 59);
}

/*
 * A queue that drains at the rate holds, at any time, the most that was admitted over any
 * interval until then, less what the rate allows for it. It may never exceed the burst.
 * Bytes at a rate that shares no large divisor with the clock may, by what one tick earns.
 */
static void check_never_more(struct meter meter)
{
	exact highest = 0, level = 0, burst = (exact)meter.burst * meter.unit_ns;
	uint64_t now = START_NS;

	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t length = random_length();
		uint64_t pause = random_pause(&meter, length);
		exact drained = (exact)pause * meter.rate;

		now += pause;
		level = level > drained ? level - drained : 0;
		if (meter_take(&meter, now, length))
			level += meter_cost(&meter, length);
		highest = level > highest ? level : highest;
	}
	CU_ASSERT_TRUE(highest > burst / 2);
	if (meter.kind == BUCKET_BPS)
		CU_ASSERT_TRUE(highest * 256 < burst * 256 + meter.rate)
	else
		CU_ASSERT_TRUE(highest <= burst)
}

static const uint64_t rates[] = {1,        2,         3,       7,          100,    128,
				 129,      999,       1000,    65537,      999983, 12000000,
				 99999989, 148809523, CAP_PPS, CAP_PPS - 1};

static void test_never_more(void)
{
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		check_never_more(meter_packets(rates[i], 1));
		check_never_more(meter_packets(rates[i], 1 + random_below(1000)));
		check_never_more(meter_bytes(rates[i] * 400, CAP_FRAME));
		check_never_more(meter_bytes(rates[i] * 399, CAP_FRAME + random_below(1000000)));
	}
}

/* Tokens of the exact bucket at `now`, before anything is taken. */
static exact exact_tokens(const struct meter *meter, exact tokens, uint64_t now_ns)
{
	exact burst = (exact)meter->burst * meter->unit_ns;

	tokens += (exact)(now_ns - meter->last_ns) * meter->rate;
	return tokens < burst ? tokens : burst;
}

static void check_equal(struct meter meter)
{
	exact tokens = (exact)meter.burst * meter.unit_ns;
	uint64_t now = START_NS;
	unsigned differ = 0, admitted = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t length = random_length();
		exact cost = meter_cost(&meter, length);
		bool admits;

		now += random_pause(&meter, length);
		tokens = exact_tokens(&meter, tokens, now);
		meter.last_ns = now;
		admits = tokens >= cost;
		tokens -= admits ? cost : 0;
		differ += meter_take(&meter, now, length) != admits;
		admitted += admits;
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT_TRUE(admitted > STEPS / 100 && admitted < STEPS);
}

/* Rates at which a unit costs whole ticks. */
static void test_exact(void)
{
	static const uint64_t packets[] = {1, 2, 5, 128, 1000, 15625, 1000000, 12500000, 250000000};
	static const uint64_t bits[] = {8000, 64000, 1000000, 6400000000, 10000000000, 16000000000};

	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
		check_equal(meter_packets(packets[i], 1));
		check_equal(meter_packets(packets[i], 2 + random_below(100)));
	}
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
		check_equal(meter_bytes(bits[i], 10000 + random_below(100000)));
}

/* The first ns at which there is room, at `now` or later. */
static uint64_t next_room(const struct meter *meter, uint64_t now_ns, uint32_t length)
{
	uint64_t need = meter->state + bucket_cost(&meter->profile, meter->kind, length);
	uint64_t ticks = need > meter->profile.limit ? need - meter->profile.limit : 0;
	uint64_t ns = (ticks + 255) >> BUCKET_TICK_BITS;

	return ns > now_ns ? ns : now_ns;
}

/* Somebody always asks: what is admitted in the long run is the rate. */
static void check_long_run(struct meter meter, uint32_t length)
{
	uint64_t now = START_NS;
	exact admitted = 0, earned;

	for (unsigned i = 0; i < 20 * STEPS && now < A_YEAR_NS; i++) {
		now = next_room(&meter, now, length);
		if (!meter_take(&meter, now, length))
			break;
		admitted += meter_cost(&meter, length);
	}
	earned = (exact)(now - START_NS) * meter.rate;
	CU_ASSERT_TRUE(now > START_NS);
	CU_ASSERT_TRUE(admitted * 1000 >= earned * 999);
	CU_ASSERT_TRUE(admitted <= earned + (exact)(meter.burst + 1) * meter.unit_ns);
}

static void test_long_run(void)
{
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		check_long_run(meter_packets(rates[i], 1 + rates[i] / 10000), 60);
		check_long_run(meter_bytes(rates[i] * 400, 2000), 60);
		check_long_run(meter_bytes(rates[i] * 400, 2000), 1514);
		check_long_run(meter_bytes(rates[i] * 399, 70000), CAP_FRAME);
	}
}

/* A packet that arrives when its token is due is admitted, a ns earlier it is not. */
static void test_due(void)
{
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		uint64_t due = START_NS + (1000000000 + rates[i] - 1) / rates[i];
		struct meter meter = meter_packets(rates[i], 1);

		CU_ASSERT_TRUE(meter_take(&meter, START_NS, 60));
		CU_ASSERT_FALSE(meter_take(&meter, START_NS, 60));
		CU_ASSERT_FALSE(meter_take(&meter, due - 1, 60));
		CU_ASSERT_TRUE(meter_take(&meter, due, 60));
	}
}

/* A whole burst fits at one moment, and not a unit more. */
static void test_burst(void)
{
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct meter packets = meter_packets(rates[i], 5);
		struct meter bytes = meter_bytes(rates[i] * 400, 1514);

		for (unsigned j = 0; j < 5; j++)
			CU_ASSERT_TRUE(meter_take(&packets, START_NS, 60));
		CU_ASSERT_FALSE(meter_take(&packets, START_NS, 60));
		CU_ASSERT_FALSE(meter_take(&bytes, START_NS, 1515));
		CU_ASSERT_TRUE(meter_take(&bytes, START_NS, 1514));
		CU_ASSERT_FALSE(meter_take(&bytes, START_NS, 1));
	}
}

/* Rounding up the cost of each packet does not refuse the last one of a burst. */
static void test_burst_of_many(void)
{
	static const uint64_t bits[] = {3000000000, 700000000, 1100000000, 1300000};

	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
		struct meter meter = meter_bytes(bits[i], 20 * 1501);

		for (unsigned j = 0; j < 20; j++)
			CU_ASSERT_TRUE(meter_take(&meter, START_NS, 1501));
		CU_ASSERT_FALSE(meter_take(&meter, START_NS, 1));
	}
}

static void test_defaults(void)
{
	static const struct {
		struct rate_params rate;
		uint64_t packets, bytes; /* bursts; 0: no such limit */
	} rows[] = {
		{{0, 0, 0}, 0, 0},
		{{1, 0, 0}, 1, 0},
		{{19, 0, 0}, 1, 0},
		{{1000, 0, 0}, 100, 0},
		{{1000, 0, 7}, 7, 0},
		{{0, 8, 0}, 0, 9216},
		{{0, 8000000, 0}, 0, 100000},
		{{0, 8000000, 1500}, 0, 1500},
		{{1000, 8000000, 7}, 7, 100000},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bucket_limit limit = profile_limit(&rows[i].rate);
		struct meter packets = {.profile = limit.rate[BUCKET_PPS]};
		struct meter bytes = {.profile = limit.rate[BUCKET_BPS], .kind = BUCKET_BPS};

		CU_ASSERT_EQUAL(packets.profile.cost != 0, rows[i].packets != 0);
		CU_ASSERT_EQUAL(bytes.profile.cost != 0, rows[i].bytes != 0);
		CU_ASSERT_EQUAL(packets.profile.shift, 0);
		for (uint64_t j = 0; j < rows[i].packets; j++)
			CU_ASSERT_TRUE(meter_take(&packets, START_NS, 60));
		CU_ASSERT_EQUAL(meter_take(&packets, START_NS, 60), packets.profile.cost == 0);
		for (uint64_t j = 0; j < rows[i].bytes; j++)
			meter_take(&bytes, START_NS, 1);
		CU_ASSERT_EQUAL(meter_take(&bytes, START_NS, 1), bytes.profile.cost == 0);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"never more than burst and rate allow", test_never_more},
		{"equal to the exact bucket", test_exact},
		{"long run", test_long_run},
		{"a token that is due", test_due},
		{"a whole burst", test_burst},
		{"a burst of many packets", test_burst_of_many},
		{"default bursts", test_defaults},
		CU_TEST_INFO_NULL,
	};

	return suite_run("bucket", tests);
}
