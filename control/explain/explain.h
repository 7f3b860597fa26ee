/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an image would do to a packet that opens a connection, buckets aside, and why. The
 * daemon's `explain` and the command line's offline one are both this.
 */
#pragma once

#include "policy/error.h"
#include "image.h"

#include <jansson.h>

enum { EXPLAIN_NO_PORT = -1 };

/*
 * The packet of `protocol` ("tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "esp", "ah" or a
 * number) that goes from one address to another and opens a connection. port:
 * EXPLAIN_NO_PORT, or 0 to 65535 with TCP and UDP alone; without one it is a port that
 * nothing is known to listen on, 0. 0, or -1 with *error, whose path is "source",
 * "destination", "port" or "protocol".
 */
int explain_packet(const char *source, const char *destination, int port, const char *protocol,
		   struct packet *packet, struct error *error);

/*
 * The answer that docs/socket.md describes. now_ns is of the clock of the image's
 * expiries: UTC, unless they were rebased. A new reference; NULL: no memory.
 */
json_t *explain(const struct image *image, const struct packet *packet, uint64_t now_ns);
