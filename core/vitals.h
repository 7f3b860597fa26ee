/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vitals: a shared file beside the counters that says how the data plane bears its load: what
 * its ports count by themselves, frames among it that no worker ever saw, and how busy its
 * workers are. Everything in it is written by the data plane's main thread, each port and each
 * worker about once a second, by relaxed stores of words; a reader may see one word newer than
 * the next.
 */
#pragma once

#include "counters.h"

#define VITALS_MAGIC UINT32_C(0x54564c53) /* "SLVT" */
enum { VITALS_VERSION = 1 };

enum port_role { PORT_EDGE, PORT_SERVER, PORT_FALLBACK, PORT_ROLES };

/* By what a port spreads the frames it receives over its queues. */
enum port_spread {
	SPREAD_NONE,        /* it has one queue */
	SPREAD_SOURCES,     /* source addresses: all of a source's meet one worker */
	SPREAD_ADDRESSES,   /* both addresses */
	SPREAD_CONNECTIONS, /* addresses and ports */
	SPREAD_UNKNOWN,     /* it cannot be told, and does what it does */
	SPREAD_COUNT
};

/* Static storage. */
static inline const char *port_role_word(enum port_role role)
{
	static const char *const words[] = {"edge", "server", "fallback"};

	return words[role];
}

static inline const char *port_spread_word(enum port_spread spread)
{
	static const char *const words[] = {"none", "sources", "addresses", "connections",
					    "unknown"};

	return words[spread];
}

/* One receive queue, where the port counts by queue. */
struct vitals_queue {
	struct count received; /* by workers: packets and bytes */
	uint64_t missed;       /* frames that found it full, where the port tells them apart */
};

enum {
	VITALS_PORT_NAME = 64,
	VITALS_QUEUES = 16, /* of each port; what DPDK has counters for */
	VITALS_DOWN = 0,    /* the speed of a link that is down */
};
#define VITALS_SPEED_UNKNOWN UINT32_MAX

/* What one port has counted since the data plane started. */
struct vitals_port {
	char name[VITALS_PORT_NAME]; /* NUL-terminated */
	uint32_t pair;               /* which --pair it is of, from 0 */
	uint32_t role;               /* enum port_role */
	uint32_t spread;             /* enum port_spread */
	uint32_t rx_queues;          /* one for each worker that asks it for packets */
	uint32_t counted_queues;     /* of queue[], whose counts the port gives; 0: it gives none */
	uint32_t speed_mbps;         /* of its link, VITALS_DOWN or VITALS_SPEED_UNKNOWN */
	struct count received;       /* by workers: packets and bytes */
	struct count sent;
	uint64_t missed;     /* frames that found the receive queue full: no worker saw them */
	uint64_t no_buffer;  /* frames for which there was no memory: likewise */
	uint64_t rx_errors;  /* frames that arrived damaged */
	uint64_t tx_errors;  /* frames that the port failed to send */
	uint64_t dropped_ns; /* CLOCK_BOOTTIME when missed or no_buffer last grew; 0: never */
	struct vitals_queue queue[VITALS_QUEUES];
};

/* A worker's last second, or somewhat more if the main thread was held up. */
struct vitals_worker {
	uint32_t busy_bp;      /* hundredths of a per cent of its time that went to packets */
	uint32_t burst_x100;   /* hundredths of packets a poll found that found any */
	uint64_t saturated_ns; /* CLOCK_BOOTTIME since when it has been; 0: it is not */
};

enum { SATURATED_BP = 9800 }; /* a worker this busy has no room left for a burst of frames */

/* The whole file. */
struct vitals {
	uint32_t magic, version;
	uint32_t ports;
	uint32_t workers;
	struct vitals_worker worker[CAP_WORKERS];
	struct vitals_port port[CAP_PORTS];
};
_Static_assert(sizeof(struct vitals_port) == 160 + 24 * VITALS_QUEUES &&
		       sizeof(struct vitals_worker) == 16,
	       "shared between processes");
