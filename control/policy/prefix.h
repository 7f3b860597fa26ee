/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses and prefixes as people write them. */
#pragma once

#include "packet.h"

#include <stddef.h>

/* An address with the bits past `length` zero. IPv4 as in struct address: low 32 bits. */
struct prefix {
	struct address address;
	uint8_t ip6;    /* 0 or 1 */
	uint8_t length; /* 0 to 32, or to 128 */
};

enum { PREFIX_TEXT = 64 };

/*
 * Parse "192.0.2.0/24", "2001:db8::/32" or a bare address (a /32 or /128). 0, or -EINVAL
 * with *why set to a static phrase such as "has host bits set".
 */
int prefix_parse(const char *text, struct prefix *prefix, const char **why);

/* The canonical text (RFC 5952 for IPv6); a single address is written without its length. */
void prefix_print(const struct prefix *prefix, char text[PREFIX_TEXT]);

/* Order: IPv4 before IPv6, by address, shorter before longer. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/* Whether the bits past the length are zero. */
bool prefix_is_whole(const struct prefix *prefix);

/* Whether it is more than a single address. */
static inline bool prefix_wide(const struct prefix *prefix)
{
	return prefix->length < (prefix->ip6 ? 128 : 32);
}

/* Whether `address` (of IPv6 if `ip6`) lies in the prefix. */
bool prefix_holds(const struct prefix *prefix, bool ip6, struct address address);

/* The text of an address, PREFIX_TEXT bytes at most. */
void address_print(bool ip6, struct address address, char text[PREFIX_TEXT]);
