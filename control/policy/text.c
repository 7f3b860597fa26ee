/* SPDX-License-Identifier: BSD-3-Clause */
/* Strict on purpose: one spelling for a thing, so that a document says what it means. */
#include "policy/text.h"
#include "caps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DIGITS_MAX = 18 }; /* always fit 64 bits */

#define NS_PER_S UINT64_C(1000000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Exactly `count` digits. */
static int fixed_digits(const char **text, unsigned count, unsigned *value)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++, (*text)++) {
		if (!is_digit(**text))
			return -EINVAL;
		sum = sum * 10 + (unsigned)(**text - '0');
	}
	*value = sum;
	return 0;
}

/* "0", "17" or "1.50", without the point in *value, and how many digits follow it. */
static int decimal(const char **text, uint64_t *value, unsigned *decimals)
{
	const char *p = *text;
	unsigned digits = 0;
	uint64_t sum = 0;

	if (p[0] == '0' && is_digit(p[1]))
		return -EINVAL;
	for (; is_digit(*p) && digits <= DIGITS_MAX; p++, digits++)
		sum = sum * 10 + (uint64_t)(*p - '0');
	if (digits == 0)
		return -EINVAL;
	*decimals = 0;
	if (*p == '.') {
		for (p++; is_digit(*p) && digits <= DIGITS_MAX; p++, digits++, (*decimals)++)
			sum = sum * 10 + (uint64_t)(*p - '0');
		if (*decimals == 0)
			return -EINVAL;
	}
	*value = sum;
	*text = p;
	return digits <= DIGITS_MAX ? 0 : -EINVAL;
}

static uint64_t power_of_ten(unsigned exponent)
{
	uint64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

bool text_is_name(const char *text)
{
	size_t size = strlen(text);

	if (size > CAP_NAME || !is_alphanumeric(text[0]))
		return false;
	for (size_t i = 1; i < size; i++) {
		if (!is_alphanumeric(text[i]) && !strchr("._-", text[i]))
			return false;
	}
	return true;
}

bool text_is_country(const char *text)
{
	return strlen(text) == 2 && text_is_country_code(text);
}

/* Take a character of UTF-8 (RFC 3629) from the front of *text. False: there is none. */
static bool take_character(const uint8_t **text, uint32_t *character)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint8_t first = *(*text)++;
	unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t taken = more ? first & (0x3f >> more) : first;

	if (more && (first < 0xc0 || first > 0xf7))
		return false;
	for (unsigned i = 0; i < more; i++) {
		if ((**text & 0xc0) != 0x80)
			return false;
		taken = taken << 6 | (*(*text)++ & 0x3f);
	}
	*character = taken;
	return taken >= least[more] && taken <= 0x10ffff && taken >> 11 != 0xd800 >> 11;
}

bool text_is_reason(const char *text)
{
	const uint8_t *rest = (const uint8_t *)text;
	size_t size = strlen(text);
	uint32_t character;

	while (*rest) {
		if (!take_character(&rest, &character) || character < 0x20 ||
		    (character >= 0x7f && character < 0xa0))
			return false;
	}
	return size > 0 && size <= TEXT_REASON;
}

int text_percentage(const char *text, uint16_t *admit_bp)
{
	unsigned decimals;
	uint64_t value;

	if (decimal(&text, &value, &decimals) || decimals > 2 || strcmp(text, "%") != 0)
		return -EINVAL;
	if (value > 10000 || value * power_of_ten(2 - decimals) > 10000)
		return -EINVAL;
	*admit_bp = (uint16_t)(value * power_of_ten(2 - decimals));
	return 0;
}

int text_quantity(const char *text, uint64_t *quantity)
{
	static const char suffixes[] = "kMG";
	unsigned decimals, exponent = 0;
	const char *suffix;
	uint64_t value;

	if (decimal(&text, &value, &decimals))
		return -EINVAL;
	if (*text) {
		suffix = strchr(suffixes, *text);
		if (!suffix || text[1])
			return -EINVAL;
		exponent = 3 * (unsigned)(suffix - suffixes + 1);
	}
	if (exponent < decimals) {
		uint64_t divisor = power_of_ten(decimals - exponent);

		if (value % divisor)
			return -EINVAL;
		*quantity = value / divisor;
	} else if (__builtin_mul_overflow(value, power_of_ten(exponent - decimals), quantity)) {
		*quantity = UINT64_MAX;
	}
	return 0;
}

/* "2026-12-01T00:00:00", with no field out of its range. */
static int date_time(const char **text, struct tm *tm)
{
	unsigned field[6];
	static const unsigned lengths[] = {4, 2, 2, 2, 2, 2};
	static const char ends[] = "--T::";

	for (unsigned i = 0; i < 6; i++) {
		if (fixed_digits(text, lengths[i], &field[i]))
			return -EINVAL;
		if (i < 5 && *(*text)++ != ends[i])
			return -EINVAL;
	}
	if (field[0] < 1970 || field[0] > 2261 || field[1] < 1 || field[1] > 12 || field[2] < 1 ||
	    field[2] > 31 || field[3] > 23 || field[4] > 59 || field[5] > 59)
		return -EINVAL;
	*tm = (struct tm){
		.tm_year = (int)field[0] - 1900,
		.tm_mon = (int)field[1] - 1,
		.tm_mday = (int)field[2],
		.tm_hour = (int)field[3],
		.tm_min = (int)field[4],
		.tm_sec = (int)field[5],
	};
	return 0;
}

/* ".5" and the like, or nothing. */
static int fraction_ns(const char **text, unsigned *ns)
{
	unsigned digits = 0, value;

	*ns = 0;
	if (**text != '.')
		return 0;
	(*text)++;
	while (is_digit((*text)[digits]))
		digits++;
	if (digits == 0 || digits > 9 || fixed_digits(text, digits, &value))
		return -EINVAL;
	*ns = value * (unsigned)power_of_ten(9 - digits);
	return 0;
}

int text_time(const char *text, uint64_t *time_ns)
{
	unsigned ns;
	struct tm tm;
	time_t seconds;
	int day;

	if (date_time(&text, &tm) || fraction_ns(&text, &ns))
		return -EINVAL;
	if (strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0)
		return -EINVAL;
	day = tm.tm_mday;
	seconds = timegm(&tm);
	if (tm.tm_mday != day) /* timegm() takes 30 February for 2 March */
		return -EINVAL;
	if (seconds == 0 && ns == 0)
		return -EINVAL;
	*time_ns = (uint64_t)seconds * NS_PER_S + ns;
	return 0;
}

void text_print_time(uint64_t time_ns, char text[TEXT_TIME])
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	unsigned ns = (unsigned)(time_ns % NS_PER_S);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(text, TEXT_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	if (ns) {
		used += (size_t)snprintf(text + used, TEXT_TIME - used, ".%09u", ns);
		while (text[used - 1] == '0')
			used--;
	}
	snprintf(text + used, TEXT_TIME - used, "Z");
}

int text_duration(const char *text, uint64_t *duration_ns)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = {1, 60, 3600, 86400};
	const uint64_t longest_s = UINT64_C(36525) * 86400;
	unsigned decimals;
	const char *unit;
	uint64_t value;

	if (decimal(&text, &value, &decimals) || decimals || !*text || text[1])
		return -EINVAL;
	unit = strchr(units, *text);
	if (!unit || value == 0 || value > longest_s / seconds[unit - units])
		return -EINVAL;
	*duration_ns = value * seconds[unit - units] * NS_PER_S;
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

static int hex_byte(const char **text, uint8_t *byte)
{
	int high = hex_digit((*text)[0]);
	int low = high < 0 ? -1 : hex_digit((*text)[1]);

	if (low < 0)
		return -EINVAL;
	*byte = (uint8_t)(high << 4 | low);
	*text += 2;
	return 0;
}

int text_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t zero[6];
	uint8_t bytes[6];

	for (unsigned i = 0; i < 6; i++) {
		if ((i > 0 && *text++ != ':') || hex_byte(&text, &bytes[i]))
			return -EINVAL;
	}
	if (*text || (bytes[0] & 1) || memcmp(bytes, zero, sizeof zero) == 0)
		return -EINVAL;
	memcpy(mac, bytes, sizeof bytes);
	return 0;
}

void text_print_mac(const uint8_t mac[6], char text[TEXT_MAC])
{
	snprintf(text, TEXT_MAC, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
}

int text_salt(const char *text, uint8_t salt[16])
{
	uint8_t bytes[16];

	for (unsigned i = 0; i < sizeof bytes; i++) {
		if (hex_byte(&text, &bytes[i]))
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	memcpy(salt, bytes, sizeof bytes);
	return 0;
}

void text_print_salt(const uint8_t salt[16], char text[TEXT_SALT])
{
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", salt[i]);
}
