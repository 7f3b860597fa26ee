/* SPDX-License-Identifier: BSD-3-Clause */
/* See scenes.h. */
#include "scenes.h"

/* clang-format off */
const struct scene scenes[] = {
	{"1K",         PLACE_1K,    TRAFFIC_UNIFORM,  FRAME_TCP4,     BY_ALL},
	{"10K",        PLACE_10K,   TRAFFIC_UNIFORM,  FRAME_TCP4,     BY_PLAIN},
	{"100K",       PLACE_100K,  TRAFFIC_UNIFORM,  FRAME_TCP4,     BY_PLAIN},
	{"1M",         PLACE_1M,    TRAFFIC_UNIFORM,  FRAME_TCP4,     BY_ALL},
	{"10M",        PLACE_10M,   TRAFFIC_UNIFORM,  FRAME_TCP4,     BY_ALL},
	{"1K-zipf",    PLACE_1K,    TRAFFIC_ZIPF,     FRAME_TCP4,     BY_PLAIN},
	{"10K-zipf",   PLACE_10K,   TRAFFIC_ZIPF,     FRAME_TCP4,     BY_PLAIN},
	{"100K-zipf",  PLACE_100K,  TRAFFIC_ZIPF,     FRAME_TCP4,     BY_PLAIN},
	{"1M-zipf",    PLACE_1M,    TRAFFIC_ZIPF,     FRAME_TCP4,     BY_PLAIN},
	{"10M-zipf",   PLACE_10M,   TRAFFIC_ZIPF,     FRAME_TCP4,     BY_PLAIN},
	{"flood",      PLACE_FULL,  TRAFFIC_FLOOD,    FRAME_TCP4,     BY_BEST},
	{"blocked",    PLACE_1M,    TRAFFIC_BLOCKED,  FRAME_TCP4,     BY_BEST},
	{"closed",     PLACE_1M,    TRAFFIC_UNIFORM,  FRAME_CLOSED,   BY_BEST},
	{"vlan",       PLACE_1M,    TRAFFIC_UNIFORM,  FRAME_VLAN,     BY_BEST},
	{"qinq",       PLACE_1M,    TRAFFIC_UNIFORM,  FRAME_QINQ,     BY_BEST},
	{"options",    PLACE_1M,    TRAFFIC_UNIFORM,  FRAME_OPTIONS,  BY_BEST},
	{"fragment",   PLACE_1M,    TRAFFIC_UNIFORM,  FRAME_FRAGMENT, BY_BEST},
	{"ip6",        PLACE_IP6,   TRAFFIC_UNIFORM,  FRAME_TCP6,     BY_BEST},
	{"chain6",     PLACE_IP6,   TRAFFIC_UNIFORM,  FRAME_CHAIN6,   BY_BEST},
	{"imix",       PLACE_BULK,  TRAFFIC_UNIFORM,  FRAME_IMIX,     BY_BEST},
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
