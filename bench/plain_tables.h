/* SPDX-License-Identifier: BSD-3-Clause */
/* What the plain chain of plain.h looks things up in. */
#pragma once

#include "plain.h"

#include <rte_hash.h>
#include <rte_lpm.h>
#include <rte_meter.h>

/* A next hop: the origin of a source, and what guard and sets say of its prefix. */
enum { PLAIN_ORIGIN_BITS = 16, PLAIN_ORIGIN = 0xffff };
enum plain_mark { PLAIN_NONE, PLAIN_ALLOW, PLAIN_BLOCK, PLAIN_GUARD };

/* Two to a cache line. */
struct meter {
	_Alignas(32) struct rte_meter_srtcm srtcm;
};

struct plain {
	const struct image *image;
	double tsc_ghz;
	struct rte_lpm *lpm;
	struct rte_hash *sources; /* address to meter; to `blocked` for a blocked one */
	struct meter *meters;
	uint32_t used, room;
	struct meter blocked; /* only its address matters */
	struct meter shared;  /* by sources that the hash has no room for */
	struct rte_meter_srtcm_profile source_profile, rule_profile, host_profile;
	struct meter rule[16], host;
};
