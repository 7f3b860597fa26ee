/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane's own command line: what follows `--` after the EAL's options. */
#pragma once

#include "burst.h"
#include "caps.h"

#include <stdint.h>

enum {
	OPTIONS_PAIRS = CAP_PORTS / 3,
	OPTIONS_PORT_NAME = 64, /* as DPDK's RTE_ETH_NAME_MAX_LEN */
};

/* Names or numbers of DPDK ports. */
struct options_pair {
	char edge[OPTIONS_PORT_NAME];
	char server[OPTIONS_PORT_NAME];
	char fallback[OPTIONS_PORT_NAME]; /* "": none */
};

struct options {
	struct options_pair pair[OPTIONS_PAIRS];
	unsigned pairs;
	unsigned workers;
	const char *state_dir;
	const char *run_dir;
	const char *twin; /* folder of the twin's pins, whose buckets to work on; NULL: none */
	uint64_t sources; /* buckets of sources to hold, where there is no twin */
	const struct burst_level *simd;
	uint64_t packets; /* stop after so many from edge ports; 0: never */
};

enum options_result { OPTIONS_RUN, OPTIONS_SHOWN, OPTIONS_WRONG };

/*
 * Parse argv[1] to argv[argc - 1]. OPTIONS_SHOWN: --help or --version was asked for and
 * printed. OPTIONS_WRONG: what is wrong has been said. Strings stay argv's.
 */
enum options_result options_parse(int argc, char **argv, struct options *options);
