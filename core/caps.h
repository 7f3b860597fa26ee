/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hard caps: one place, compile-time, each tested at, below and past it.
 *
 * The compiler refuses what exceeds a cap (error code CAPACITY), the image reader
 * refuses a segment that claims more, and nothing in the packet path grows.
 */
#pragma once

#include <stdint.h>

/* clang-format off */
enum {
	CAP_RULES = 4096,
	CAP_SERVICES = 1024,
	CAP_GROUPS = 4096,
	CAP_SETS = 4096,
	CAP_FALLBACKS = 1024,
	CAP_ORIGINS = 32000,             /* distinct; fits the 15 bits of a direct cell */
	CAP_ORIGIN_PREFIXES = 2000000,   /* per family */
	CAP_SET_ENTRIES = 16000000,
	CAP_PREFIXES = 65536,            /* of all services' destinations, or of one guard list */
	CAP_TERMS = 65536,               /* of all groups */
	CAP_FEEDS = 256,
	CAP_CLASSES = 16384,             /* destination classes, and port classes */
	CAP_CLASS_CELLS = 16 * 1024 * 1024, /* destination classes x port classes */
	CAP_NAME = 63,                   /* bytes in a name */

	CAP_RULE_SLOTS = 2 * CAP_RULES,  /* rule state: room for an old and a new policy at once */
	CAP_WORKERS = 64,
	CAP_PORTS = 48,                  /* 16 pairs, each with a fallback port */
	CAP_FRAME = 65535,               /* bytes */
	CAP_EXTENSIONS = 8,              /* IPv6 extension headers walked */
	CAP_EXTENSION_BYTES = 256,
};
/* clang-format on */

/* Rates and bursts a bucket may be set to; core/bucket.h says what they keep exact. */
#define CAP_PPS     UINT64_C(250000000)    /* packets/s */
#define CAP_BPS     UINT64_C(100000000000) /* bits/s */
#define CAP_BURST_S UINT64_C(86400)        /* seconds a burst may last at its rate */
