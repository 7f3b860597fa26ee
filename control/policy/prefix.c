/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes to and from text; the address part is the C library's. */
#include "policy/prefix.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The mask of the high `bits` of 64; 0 to 64. */
static uint64_t high_mask(unsigned bits)
{
	return bits ? UINT64_MAX << (64 - bits) : 0;
}

static struct address prefix_mask(bool ip6, unsigned length)
{
	if (!ip6)
		return (struct address){0, high_mask(32 + length) & UINT32_MAX};
	if (length <= 64)
		return (struct address){high_mask(length), 0};
	return (struct address){UINT64_MAX, high_mask(length - 64)};
}

bool prefix_is_whole(const struct prefix *prefix)
{
	struct address mask = prefix_mask(prefix->ip6, prefix->length);

	return ((prefix->address.hi & ~mask.hi) | (prefix->address.lo & ~mask.lo)) == 0;
}

static int length_parse(const char *text, unsigned longest, uint8_t *length)
{
	unsigned value = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > longest)
			return -EINVAL;
	}
	*length = (uint8_t)value;
	return 0;
}

static int address_parse(const char *text, bool ip6, struct address *address)
{
	uint8_t bytes[16];

	if (inet_pton(ip6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return -EINVAL;
	*address = ip6 ? (struct address){wire_u64(bytes), wire_u64(bytes + 8)}
		       : (struct address){0, wire_u32(bytes)};
	return 0;
}

int prefix_parse(const char *text, struct prefix *prefix, const char **why)
{
	const char *slash = strchrnul(text, '/');
	size_t size = (size_t)(slash - text);
	bool ip6 = memchr(text, ':', size) != NULL;
	struct prefix parsed = {.ip6 = ip6, .length = ip6 ? 128 : 32};
	char address[INET6_ADDRSTRLEN];

	*why = "is not an IPv4 or IPv6 prefix";
	if (size >= sizeof address)
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = '\0';
	if (address_parse(address, ip6, &parsed.address))
		return -EINVAL;
	*why = "has a length that no such prefix has";
	if (*slash && length_parse(slash + 1, parsed.length, &parsed.length))
		return -EINVAL;
	*why = "has host bits set";
	if (!prefix_is_whole(&parsed))
		return -EINVAL;
	*prefix = parsed;
	return 0;
}

void address_print(bool ip6, struct address address, char text[PREFIX_TEXT])
{
	uint64_t wide[2] = {__builtin_bswap64(address.hi), __builtin_bswap64(address.lo)};
	uint32_t narrow = __builtin_bswap32((uint32_t)address.lo);

	inet_ntop(ip6 ? AF_INET6 : AF_INET, ip6 ? (void *)wide : &narrow, text, PREFIX_TEXT);
}

void prefix_print(const struct prefix *prefix, char text[PREFIX_TEXT])
{
	size_t used;

	address_print(prefix->ip6, prefix->address, text);
	if (!prefix_wide(prefix))
		return;
	used = strlen(text);
	snprintf(text + used, PREFIX_TEXT - used, "/%u", prefix->length);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	if (a->ip6 != b->ip6)
		return a->ip6 < b->ip6 ? -1 : 1;
	if (a->address.hi != b->address.hi)
		return a->address.hi < b->address.hi ? -1 : 1;
	if (a->address.lo != b->address.lo)
		return a->address.lo < b->address.lo ? -1 : 1;
	return (a->length > b->length) - (a->length < b->length);
}

bool prefix_holds(const struct prefix *prefix, bool ip6, struct address address)
{
	struct address mask = prefix_mask(prefix->ip6, prefix->length);

	return prefix->ip6 == ip6 && (address.hi & mask.hi) == prefix->address.hi &&
	       (address.lo & mask.lo) == prefix->address.lo;
}
