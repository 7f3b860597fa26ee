/* SPDX-License-Identifier: BSD-3-Clause */
/* The scenes that decisions are measured in: who is there, and who sends what. */
#pragma once

#include "frames.h"
#include "traffic.h"
#include "world.h"

/* Sources that live together; several scenes may play among them. */
enum place {
	PLACE_1K,
	PLACE_10K,
	PLACE_100K,
	PLACE_1M,
	PLACE_10M,
	PLACE_FULL, /* as PLACE_10M, and every bucket taken by those who came after */
	PLACE_IP6,
	PLACE_BULK, /* sources with limits in packets and in bits */
	PLACES
};

struct packet_trial;

/* What packets are put through. */
struct scene_part {
	const char *name;
	uint64_t (*block)(struct packet_trial *made); /* see packets.h */
};

struct scene {
	const char *name;
	const struct scene_part *part;
	enum place place;
	enum traffic_shape shape;
	enum frame_kind kind;
	const char *rival; /* what it is compared with, or NULL */
	bool levels;       /* at every level; else at the best */
};

extern const struct scene scenes[];
extern const unsigned scene_count;

/* A place's name, and how many sources live there; of a `quick` run few. */
const char *place_name(enum place place);
uint32_t place_live(enum place place, bool quick);

/* Open a place, its plain chain in DPDK's heap `socket` unless that is negative. 0 or -1. */
int place_open(enum place place, const struct policy_image *policy, bool quick, int socket,
	       struct world *world);
