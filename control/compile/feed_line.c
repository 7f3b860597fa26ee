/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of a CSV feed as most of them are: without blanks, comments and spelling of their
 * own. What is read here is what feed_csv_line() would read, ten times as fast; the rest is
 * left to it, and so are all errors.
 */
#include "compile/feeds.h"

#include "policy/text.h"

#include <string.h>

enum { GROUPS = 8 }; /* in an IPv6 address */

/*
 * A place in a line. The newline after it is in no number, so it stops every reading, at the byte
 * after it at the latest.
 */
struct cursor {
	const char *at;
};

static bool take(struct cursor *cursor, char c)
{
	bool is = *cursor->at == c;

	cursor->at += is;
	return is;
}

/*
 * A decimal number of at most three digits without leading zeros. Nobody can predict how many it
 * has, so all are read and those that are none are left out of it, without a branch.
 */
static bool take_short(struct cursor *cursor, unsigned most, unsigned *number)
{
	unsigned a = (uint8_t)cursor->at[0] - (unsigned)'0', b, c, digits, value;

	if (a > 9)
		return false;
	b = (uint8_t)cursor->at[1] - (unsigned)'0';
	c = (uint8_t)cursor->at[2] - (unsigned)'0';
	digits = 1 + (b <= 9) + ((b <= 9) & (c <= 9));
	value = digits == 1 ? a : 10 * a + b;
	value = digits == 3 ? 10 * value + c : value;
	cursor->at += digits;
	*number = value;
	return (value <= most) & ((a != 0) | (digits == 1));
}

/* A decimal number up to `most` without leading zeros. */
static bool take_number(struct cursor *cursor, uint64_t most, uint64_t *number)
{
	const char *begin = cursor->at;
	uint64_t value = 0;

	for (; *cursor->at >= '0' && *cursor->at <= '9' && value <= most; cursor->at++)
		value = 10 * value + (uint64_t)(*cursor->at - '0');
	*number = value;
	return cursor->at > begin && value <= most && (*begin != '0' || cursor->at == begin + 1);
}

static bool take_address4(struct cursor *cursor, unsigned __int128 *address)
{
	uint32_t value = 0;
	unsigned byte;

	for (unsigned i = 0; i < 4; i++) {
		if ((i && !take(cursor, '.')) || !take_short(cursor, 255, &byte))
			return false;
		value = value << 8 | byte;
	}
	*address = value;
	return true;
}

/* The value of a hexadecimal digit; 16: it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* One to four hexadecimal digits. */
static bool take_group(struct cursor *cursor, unsigned *group)
{
	const char *begin = cursor->at;
	unsigned value = 0, next;

	while (cursor->at < begin + 4 && (next = digit(*cursor->at)) < 16) {
		value = value << 4 | next;
		cursor->at++;
	}
	*group = value;
	return cursor->at > begin;
}

/* Eight groups, or fewer and once "::" for the others, which are zero. */
static bool take_address6(struct cursor *cursor, unsigned __int128 *address)
{
	unsigned __int128 head = 0, groups = 0;
	unsigned heads = 0, count = 0, group;
	bool gap = cursor->at[0] == ':' && cursor->at[1] == ':', more = true;

	if (gap) {
		cursor->at += 2;
		more = digit(*cursor->at) < 16;
	}
	while (more) {
		if (count++ == GROUPS || !take_group(cursor, &group))
			return false;
		groups = groups << 16 | group;
		more = take(cursor, ':');
		if (!more || !take(cursor, ':'))
			continue;
		if (gap)
			return false;
		gap = true;
		head = groups;
		heads = count;
		groups = 0;
		more = digit(*cursor->at) < 16;
	}
	*address = heads ? head << 16 * (GROUPS - heads) | groups : groups;
	return gap == (count < GROUPS);
}

static bool take_prefix(struct cursor *cursor, struct prefix *prefix)
{
	struct cursor begin = *cursor;
	unsigned __int128 address, all = UINT32_MAX;
	unsigned length = 32;
	bool ip6 = !take_address4(cursor, &address);

	if (ip6) {
		*cursor = begin;
		if (!take_address6(cursor, &address))
			return false;
		all = ~(unsigned __int128)0;
		length = 128;
	}
	if (take(cursor, '/') && !take_short(cursor, length, &length))
		return false;
	prefix->address = (struct address){(uint64_t)(address >> 64), (uint64_t)address};
	prefix->ip6 = ip6;
	prefix->length = (uint8_t)length;
	return length == 128 || (address & all >> length) == 0;
}

static bool take_country(struct cursor *cursor, char country[2])
{
	if (*cursor->at == ',')
		return true;
	if (!text_is_country_code(cursor->at))
		return false;
	country[0] = *cursor->at++;
	country[1] = *cursor->at++;
	return true;
}

static bool take_asn(struct cursor *cursor, uint32_t *asn)
{
	uint64_t number = 0;

	if (*cursor->at == '\n' || *cursor->at == '\r')
		return true;
	if (take(cursor, 'A') && !take(cursor, 'S'))
		return false;
	if (!take_number(cursor, UINT32_MAX, &number))
		return false;
	*asn = (uint32_t)number;
	return true;
}

/*
 * Members are written one by one and not read again: to read what was just written in parts all at
 * once, as a copy of the whole would, takes a core a dozen cycles.
 */
bool feed_line_usual(const char *line, const char *end, struct feed_prefix *prefix)
{
	struct cursor cursor = {line};
	char country[2] = {0};
	uint32_t asn = 0;

	if (!take_prefix(&cursor, &prefix->prefix) || !take(&cursor, ',') ||
	    !take_country(&cursor, country) || !take(&cursor, ',') || !take_asn(&cursor, &asn))
		return false;
	take(&cursor, '\r');
	prefix->country[0] = country[0];
	prefix->country[1] = country[1];
	prefix->asn = asn;
	return cursor.at == end && (asn || country[0]);
}
