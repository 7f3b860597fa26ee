/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The small grammars inside the document's strings. Parsers take the whole string or
 * return -EINVAL; printers write the one canonical form.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_TIME = 40,
	TEXT_MAC = 18,
	TEXT_SALT = 33,
	TEXT_REASON = 255, /* bytes in an entry's reason */
};

/* What any named thing may be called. */
bool text_is_name(const char *text);

/* 1 to TEXT_REASON bytes of UTF-8, of which none can move a terminal's cursor. */
bool text_is_reason(const char *text);

static inline bool text_is_country_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A country's code: two of A-Z and 0-9. */
bool text_is_country(const char *text);
static inline bool text_is_country_code(const char code[2])
{
	return text_is_country_letter(code[0]) && text_is_country_letter(code[1]);
}

/* "0%" to "100%", at most two decimals. */
int text_percentage(const char *text, uint16_t *admit_bp);
#define TEXT_PERCENTAGE_WANTED                                                                     \
	"must be a percentage from \"0%%\" to \"100%%\" with at most two decimals"

/* "2000", "12M", "1.5k": a whole number in the end; what exceeds 64 bits is UINT64_MAX. */
int text_quantity(const char *text, uint64_t *quantity);

/* RFC 3339, UTC, after 1970 began, to 2261: 1 to TEXT_TIME_MOST nanoseconds, which are 63 bits. */
#define TEXT_TIME_MOST UINT64_C(9214646399999999999)
int text_time(const char *text, uint64_t *time_ns);
void text_print_time(uint64_t time_ns, char text[TEXT_TIME]);

/* "30s", "10m", "2h", "7d": at least a second, at most a hundred years. */
int text_duration(const char *text, uint64_t *duration_ns);

/* "02:00:00:00:0f:01": of one station, and not zero. */
int text_mac(const char *text, uint8_t mac[6]);
void text_print_mac(const uint8_t mac[6], char text[TEXT_MAC]);

/* 32 hexadecimal digits. */
int text_salt(const char *text, uint8_t salt[16]);
void text_print_salt(const uint8_t salt[16], char text[TEXT_SALT]);
