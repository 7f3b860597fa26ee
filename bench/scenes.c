/* SPDX-License-Identifier: BSD-3-Clause */
/* See scenes.h. */
#include "packets.h"

static const struct scene_part decided = {"decide", decide_block};
static const struct scene_part piped = {"pipeline", forward_block};

/* clang-format off */
const struct scene scenes[] = {
	{"1K",        &decided, PLACE_1K,   TRAFFIC_UNIFORM, FRAME_TCP4,     "plain",   true},
	{"10K",       &decided, PLACE_10K,  TRAFFIC_UNIFORM, FRAME_TCP4,     "plain",   false},
	{"100K",      &decided, PLACE_100K, TRAFFIC_UNIFORM, FRAME_TCP4,     "plain",   false},
	{"1M",        &decided, PLACE_1M,   TRAFFIC_UNIFORM, FRAME_TCP4,     "plain",   true},
	{"10M",       &decided, PLACE_10M,  TRAFFIC_UNIFORM, FRAME_TCP4,     "plain",   true},
	{"1K-zipf",   &decided, PLACE_1K,   TRAFFIC_ZIPF,    FRAME_TCP4,     "plain",   false},
	{"10K-zipf",  &decided, PLACE_10K,  TRAFFIC_ZIPF,    FRAME_TCP4,     "plain",   false},
	{"100K-zipf", &decided, PLACE_100K, TRAFFIC_ZIPF,    FRAME_TCP4,     "plain",   false},
	{"1M-zipf",   &decided, PLACE_1M,   TRAFFIC_ZIPF,    FRAME_TCP4,     "plain",   false},
	{"10M-zipf",  &decided, PLACE_10M,  TRAFFIC_ZIPF,    FRAME_TCP4,     "plain",   false},
	{"flood",     &decided, PLACE_FULL, TRAFFIC_FLOOD,   FRAME_TCP4,     NULL,      false},
	{"blocked",   &decided, PLACE_1M,   TRAFFIC_REFUSED, FRAME_TCP4,     NULL,      false},
	{"closed",    &decided, PLACE_1M,   TRAFFIC_UNIFORM, FRAME_CLOSED,   NULL,      false},
	{"vlan",      &decided, PLACE_1M,   TRAFFIC_UNIFORM, FRAME_VLAN,     NULL,      false},
	{"qinq",      &decided, PLACE_1M,   TRAFFIC_UNIFORM, FRAME_QINQ,     NULL,      false},
	{"options",   &decided, PLACE_1M,   TRAFFIC_UNIFORM, FRAME_OPTIONS,  NULL,      false},
	{"fragment",  &decided, PLACE_1M,   TRAFFIC_UNIFORM, FRAME_FRAGMENT, NULL,      false},
	{"ip6",       &decided, PLACE_IP6,  TRAFFIC_UNIFORM, FRAME_TCP6,     NULL,      false},
	{"chain6",    &decided, PLACE_IP6,  TRAFFIC_UNIFORM, FRAME_CHAIN6,   NULL,      false},
	{"imix",      &decided, PLACE_BULK, TRAFFIC_UNIFORM, FRAME_IMIX,     NULL,      false},
	{"1K",        &piped,   PLACE_1K,   TRAFFIC_UNIFORM, FRAME_TCP4,     "macswap", false},
	{"1M",        &piped,   PLACE_1M,   TRAFFIC_UNIFORM, FRAME_TCP4,     "macswap", false},
	{"10M",       &piped,   PLACE_10M,  TRAFFIC_UNIFORM, FRAME_TCP4,     "macswap", false},
};
const unsigned scene_count = sizeof scenes / sizeof *scenes;

static const struct {
	const char *name;
	uint32_t live, quick;
	enum frame_kind kind;
} places[PLACES] = {
	[PLACE_1K]   = {"1K",   1000,     1000,   FRAME_TCP4},
	[PLACE_10K]  = {"10K",  10000,    2000,   FRAME_TCP4},
	[PLACE_100K] = {"100K", 100000,   4000,   FRAME_TCP4},
	[PLACE_1M]   = {"1M",   1000000,  20000,  FRAME_TCP4},
	[PLACE_10M]  = {"10M",  10000000, 100000, FRAME_TCP4},
	[PLACE_FULL] = {"full", 10000000, 100000, FRAME_TCP4},
	[PLACE_IP6]  = {"ip6",  1000000,  20000,  FRAME_TCP6},
	[PLACE_BULK] = {"bulk", 1000000,  20000,  FRAME_IMIX},
};
/* clang-format on */

const char *place_name(enum place place)
{
	return places[place].name;
}

uint32_t place_live(enum place place, bool quick)
{
	return quick ? places[place].quick : places[place].live;
}

int place_open(enum place place, const struct policy_image *policy, bool quick, int socket,
	       struct world *world)
{
	int result =
		world_open(policy, places[place].kind, place_live(place, quick), socket, world);

	if (result == 0 && place == PLACE_FULL)
		result = world_fill(world);
	return result;
}
