/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Leases: what a worker borrows from a rule's or the host's buckets for the burst it is about
 * to decide, so that workers meet at those words once a burst instead of once a packet, and a
 * packet costs a comparison instead of a multiplication. A lease takes no more than the burst
 * could need and the bucket has; what the burst did not need is given back at its end.
 *
 * Workers that share a bucket which is far from empty borrow for several bursts at once and keep
 * the rest, lest its cache line go from one to the other four times a burst, which costs each a
 * tenth of its packets. Once the bucket nears its end, where it matters who has how much, they
 * are back to one burst.
 *
 * One worker decides as if it charged each packet on its own, but for rounding: less than a tick
 * a packet. Of several, one may find the
 * bucket empty while another still holds what it will give back; and a bucket that filled up
 * in the meantime is that much too full. So N workers may let through, beyond burst and rate,
 * what they keep, LEASE_BURSTS bursts of packets each, of a bucket that holds a thousand of
 * them, or else one burst for each but one: once, and not more with time, since a bucket that
 * fills up is asked for less than its rate.
 */
#pragma once

#include "state.h"

/* Packets and bytes: what a burst may need, or what was lent. */
struct lease_units {
	uint32_t rate[BUCKET_RATES];
};

/*
 * What is left of a lease: both in one word, a half for each rate, so that a packet is taken off
 * in one go. A half holds less than 2^31: where it goes below zero its top bit shows it.
 */
typedef uint64_t lease_halves;
#define LEASE_BELOW   UINT64_C(0x8000000080000000)
#define LEASE_ENDLESS UINT32_C(0x7fffffff) /* there is no rate */
_Static_assert(BUCKET_PPS == 0 && BUCKET_BPS == 1, "packets in the low half");

/* Between bursts zero, or what is kept. */
struct lease {
	lease_halves left;
	struct lease_units lent;
	uint64_t ticks[BUCKET_RATES]; /* what was borrowed */
	bool kept[BUCKET_RATES];      /* for later bursts */
};

enum {
	LEASE_BURSTS = 8,     /* that a rich bucket lends for at once */
	LEASE_RICH_BITS = 10, /* it has room for so many bursts: all workers keep half at most */
};
_Static_assert(1 << LEASE_RICH_BITS >= 2 * CAP_WORKERS * LEASE_BURSTS, "half of it at most");

static inline uint32_t lease_left(const struct lease *lease, unsigned rate)
{
	return (uint32_t)(lease->left >> (32 * rate));
}

static inline void lease_set_left(struct lease *lease, unsigned rate, uint32_t units)
{
	lease->left &= ~((uint64_t)UINT32_MAX << (32 * rate));
	lease->left |= (uint64_t)units << (32 * rate);
}

/* Ticks of `units`, rounded up. */
static inline uint64_t lease_ticks(const struct bucket_profile *profile, uint64_t units)
{
	uint64_t whole = units * (profile->cost >> profile->shift);
	uint64_t part = units * (profile->cost & ((UINT64_C(1) << profile->shift) - 1));
	uint64_t round_up = (UINT64_C(1) << profile->shift) - 1;

	return whole + ((part + round_up) >> profile->shift);
}

/* How many units, at most `most`, `room` ticks are worth: bit by bit, as it seldom matters. */
ALONE uint32_t lease_affords(uint64_t cost, unsigned shift, uint64_t room, uint32_t most)
{
	const struct bucket_profile profile = {.cost = cost, .shift = (uint8_t)shift};
	uint32_t units = 0;

	for (uint32_t bit = UINT32_C(1) << 31; bit; bit >>= 1) {
		if ((units | bit) <= most && lease_ticks(&profile, units | bit) <= room)
			units |= bit;
	}
	return units;
}

/* What is left is all that was lent. Of parts rounded up, the last may come short of a tick. */
static inline void lease_settle(struct lease *lease, unsigned rate,
				const struct bucket_profile *profile)
{
	uint64_t spent = lease_ticks(profile, lease->lent.rate[rate] - lease_left(lease, rate));

	lease->ticks[rate] -= spent < lease->ticks[rate] ? spent : lease->ticks[rate];
	lease->lent.rate[rate] = lease_left(lease, rate);
}

static inline void lease_borrow(struct lease *lease, unsigned rate, const struct state *state,
				uint64_t *word, const struct bucket_profile *profile, uint64_t now,
				uint32_t need)
{
	uint32_t left = lease_left(lease, rate), missing = need - left, units;
	uint64_t whole = lease_ticks(profile, need), ticks = lease_ticks(profile, missing);
	uint64_t old = word_load(word), settled, room, lent;
	unsigned turns = 0;
	bool rich;

	do {
		settled = bucket_settled(profile, old, now);
		room = settled < now + profile->limit ? now + profile->limit - settled : 0;
		rich = state->shared && whole <= room >> LEASE_RICH_BITS;
		if (rich)
			units = need * LEASE_BURSTS - left;
		else
			units = ticks <= room ? missing
					      : lease_affords(profile->cost, profile->shift, room,
							      missing);
		lent = lease_ticks(profile, units);
	} while (!word_swap(state->shared, word, &old, settled + lent) &&
		 loop_may_turn(&turns, TURNS_SWAP));
	lease->ticks[rate] += lent;
	lease->lent.rate[rate] += units;
	lease_set_left(lease, rate, left + units);
	lease->kept[rate] = rich;
}

/* Borrow what packets may `need` at each rate of `limit`, whose buckets are `words`. */
static inline void lease_open(struct lease *lease, const struct state *state,
			      uint64_t words[BUCKET_RATES], const struct bucket_limit *limit,
			      struct lease_units need, uint64_t now)
{
	for (unsigned i = 0; i < BUCKET_RATES; i++) {
		if (!limit->rate[i].cost) {
			lease_set_left(lease, i, LEASE_ENDLESS);
		} else if (lease_left(lease, i) < need.rate[i]) {
			lease_settle(lease, i, &limit->rate[i]);
			lease_borrow(lease, i, state, &words[i], &limit->rate[i], now,
				     need.rate[i]);
		}
	}
}

static inline void lease_give_back(struct lease *lease, unsigned rate, const struct state *state,
				   uint64_t *word, const struct bucket_profile *profile)
{
	uint64_t old, back;
	unsigned turns = 0;

	lease_settle(lease, rate, profile);
	back = lease->ticks[rate];
	lease->ticks[rate] = 0;
	lease->lent.rate[rate] = 0;
	lease_set_left(lease, rate, 0);
	if (back == 0)
		return;
	old = word_load(word);
	while (!word_swap(state->shared, word, &old, old > back ? old - back : 0) &&
	       loop_may_turn(&turns, TURNS_SWAP))
		;
}

/* At the end of a burst: give back what is left and not kept. */
static inline void lease_pause(struct lease *lease, const struct state *state,
			       uint64_t words[BUCKET_RATES], const struct bucket_limit *limit)
{
	for (unsigned i = 0; i < BUCKET_RATES; i++) {
		if (limit->rate[i].cost && !lease->kept[i])
			lease_give_back(lease, i, state, &words[i], &limit->rate[i]);
	}
}

/* Give back all that is left, and be as new. */
static inline void lease_end(struct lease *lease, const struct state *state,
			     uint64_t words[BUCKET_RATES], const struct bucket_limit *limit)
{
	for (unsigned i = 0; i < BUCKET_RATES; i++) {
		if (limit->rate[i].cost)
			lease_give_back(lease, i, state, &words[i], &limit->rate[i]);
	}
	*lease = (struct lease){0};
}

/* What a packet of `bytes` takes. */
static inline lease_halves lease_packet(uint32_t bytes)
{
	return (uint64_t)bytes << 32 | 1;
}

/* Whether the lease covers a packet of `bytes`. */
static inline bool lease_covers(const struct lease *lease, uint32_t bytes)
{
	return ((lease->left - lease_packet(bytes)) & LEASE_BELOW) == 0;
}

/* Spend what lease_covers(). */
static inline void lease_spend(struct lease *lease, uint32_t bytes)
{
	lease->left -= lease_packet(bytes);
}

/* Spend what there is, at most a packet of `bytes`. */
static inline void lease_spend_up_to(struct lease *lease, uint32_t bytes)
{
	uint32_t packets = lease_left(lease, BUCKET_PPS), rest = lease_left(lease, BUCKET_BPS);

	lease_set_left(lease, BUCKET_PPS, packets - (packets > 0));
	lease_set_left(lease, BUCKET_BPS, rest - (rest < bytes ? rest : bytes));
}
