/* SPDX-License-Identifier: BSD-3-Clause */
/* The line that replay prints for each packet: its form is promised to other programs. */
#pragma once

#include "decide.h"

/* More than the longest line: three names, an address and the fixed text. */
enum { REPLAY_LINE = 512 };

/* What is said of one packet. */
struct replay_packet {
	uint64_t number;  /* from 1 */
	uint64_t time_ns; /* the capture's */
	const struct packet *packet;
	const struct decision *decision;
};

/* Write the line, with its newline and no NUL; how many bytes. */
size_t replay_line(const struct image *image, const struct replay_packet *said,
		   char line[REPLAY_LINE]);
