/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bucket profiles. A unit costs unit_ns/rate ns: a number that is rarely whole in ticks, so
 * it is scaled up and rounded up, and no bucket runs fast. What rounding adds to a burst
 * must not refuse the burst's last packet, hence the slack.
 */
#include "compile/profile.h"

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * ceil(unit_ns in ticks * 2^shift / rate), with the largest shift that bucket.h allows: packets
 * are charged one by one, so that a fraction of a tick would be rounded up each time.
 */
static void set_cost(struct bucket_profile *profile, enum bucket_rate kind, uint64_t unit_ns,
		     uint64_t rate)
{
	unsigned __int128 ticks = (unsigned __int128)bucket_ticks(unit_ns);

	for (profile->shift = kind == BUCKET_PPS ? 0 : 32;; profile->shift--) {
		unsigned __int128 cost = ((ticks << profile->shift) + rate - 1) / rate;

		if (cost < UINT64_C(1) << 47) {
			profile->cost = (uint64_t)cost;
			return;
		}
	}
}

/*
 * Clocks count whole ns, so what a schedule owes and what it was given differ by
 * multiples of gcd(unit_ns, rate) / rate ns. Up to that, less the tick that rounding
 * up the burst may have added, slack admits nothing that is not due.
 */
static uint64_t slack(uint64_t unit_ns, uint64_t rate)
{
	uint64_t step = bucket_ticks(common_divisor(unit_ns, rate)) / rate;

	return step ? step - 1 : 0;
}

static uint64_t burst_ticks(const struct bucket_profile *profile, uint64_t burst)
{
	unsigned __int128 scaled = (unsigned __int128)burst * profile->cost;

	return (uint64_t)((scaled + (UINT64_C(1) << profile->shift) - 1) >> profile->shift);
}

/* `unit_ns`: what a unit would cost at a rate of one. */
static void set_rate(struct bucket_limit *limit, enum bucket_rate kind, uint64_t unit_ns,
		     uint64_t rate, uint64_t burst)
{
	struct bucket_profile *profile = &limit->rate[kind];

	set_cost(profile, kind, unit_ns, rate);
	profile->limit = burst_ticks(profile, burst) + slack(unit_ns, rate);
}

/* A tenth of a second, and at least one packet, or one jumbo frame. */
static uint64_t default_burst(uint64_t rate, uint64_t least)
{
	return rate / 10 > least ? rate / 10 : least;
}

struct bucket_limit profile_limit(const struct rate_params *rate)
{
	struct bucket_limit limit = {0};
	uint64_t packets = default_burst(rate->pps, 1);
	uint64_t bytes = default_burst(rate->bps / 8, 9216);

	if (rate->burst && rate->pps)
		packets = rate->burst;
	else if (rate->burst)
		bytes = rate->burst;
	if (rate->pps)
		set_rate(&limit, BUCKET_PPS, 1000000000, rate->pps, packets);
	if (rate->bps)
		set_rate(&limit, BUCKET_BPS, UINT64_C(8000000000), rate->bps, bytes);
	return limit;
}
