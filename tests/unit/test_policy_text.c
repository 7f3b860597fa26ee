/* SPDX-License-Identifier: BSD-3-Clause */
/* The small grammars of the document: what they take, refuse and print. */
#include "policy/policy.h"
#include "policy/text.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS_PER_S     UINT64_C(1000000000)

static void test_percentages(void)
{
	static const char *const refused[] = {
		"",
		"%",
		"25",
		"25 %",
		" 25%",
		"25%%",
		"+25%",
		"-0%",
		"025%",
		"00%",
		".5%",
		"5.%",
		"0.125%",
		"100.01%",
		"101%",
		"1e1%",
		"0,5%",
		"25.5",
		"1000%",
		"100.000%",
		"0x5%",
		"99.9.9%",
		"184467440737095516%",
		"18446744073709551616%",
	};
	uint16_t again;
	char text[8];

	for (unsigned admit_bp = 0; admit_bp <= 10000; admit_bp++) {
		policy_print_percentage((uint16_t)admit_bp, text);
		again = 0xffff;
		CU_ASSERT_EQUAL(text_percentage(text, &again), 0);
		CU_ASSERT_EQUAL(again, admit_bp);
	}
	CU_ASSERT(text_percentage("25.50%", &again) == 0 && again == 2550);
	CU_ASSERT(text_percentage("100.00%", &again) == 0 && again == 10000);
	policy_print_percentage(2550, text);
	CU_ASSERT_STRING_EQUAL(text, "25.5%");
	policy_print_percentage(1, text);
	CU_ASSERT_STRING_EQUAL(text, "0.01%");
	for (size_t i = 0; i < COUNT(refused); i++) {
		again = 77;
		CU_ASSERT(text_percentage(refused[i], &again) < 0 && again == 77);
	}
}

static void test_quantities(void)
{
	static const struct {
		const char *text;
		uint64_t quantity;
	} cases[] = {
		{"0", 0},
		{"1", 1},
		{"2000", 2000},
		{"2000.0", 2000},
		{"1k", 1000},
		{"12M", 12000000},
		{"1.5M", 1500000},
		{"0.001k", 1},
		{"8G", 8000000000},
		{"0.000000001G", 1},
		{"999999999999999999", 999999999999999999},
		{"999999999999999999k", UINT64_MAX},
		{"99999999999G", UINT64_MAX},
	};
	static const char *const refused[] = {
		"",
		"k",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1 k",
		"01",
		"1K",
		"1m",
		"1g",
		"1kk",
		"1kps",
		"1.5",
		"1.k",
		".5k",
		"1e3",
		"0x1",
		"1.0005k",
		"1000000000000000000",
		"0.0000000000000000001G",
	};
	uint64_t quantity;

	for (size_t i = 0; i < COUNT(cases); i++) {
		quantity = 77;
		CU_ASSERT_EQUAL(text_quantity(cases[i].text, &quantity), 0);
		CU_ASSERT_EQUAL(quantity, cases[i].quantity);
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		quantity = 77;
		CU_ASSERT(text_quantity(refused[i], &quantity) < 0 && quantity == 77);
	}
}

static void test_times(void)
{
	static const struct {
		const char *text;
		uint64_t time_ns;
		const char *printed;
	} cases[] = {
		{"1970-01-01T00:00:00.000000001Z", 1, "1970-01-01T00:00:00.000000001Z"},
		{"1971-01-01T00:00:00Z", 31536000 * NS_PER_S, "1971-01-01T00:00:00Z"},
		{"2000-02-29T12:34:56+00:00", 951827696 * NS_PER_S, "2000-02-29T12:34:56Z"},
		{"2026-12-01T00:00:00.5Z", 1796083200 * NS_PER_S + 500000000,
		 "2026-12-01T00:00:00.5Z"},
		{"2026-12-01T00:00:00.000Z", 1796083200 * NS_PER_S, "2026-12-01T00:00:00Z"},
		{"2026-12-01T00:00:00.000000001Z", 1796083200 * NS_PER_S + 1,
		 "2026-12-01T00:00:00.000000001Z"},
		{"2261-12-31T23:59:59.999999999Z", 9214646399 * NS_PER_S + 999999999,
		 "2261-12-31T23:59:59.999999999Z"},
	};
	_Static_assert(TEXT_TIME_MOST == 9214646399 * NS_PER_S + 999999999, "the last of them");
	char text[TEXT_TIME];
	uint64_t time_ns;

	for (size_t i = 0; i < COUNT(cases); i++) {
		time_ns = 77;
		CU_ASSERT_EQUAL(text_time(cases[i].text, &time_ns), 0);
		CU_ASSERT_EQUAL(time_ns, cases[i].time_ns);
		text_print_time(time_ns, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].printed);
	}
}

static void test_times_refused(void)
{
	static const char *const refused[] = {
		"",
		"2026-12-01",
		"2026-12-01T00:00:00",
		"2026-12-01T00:00Z",
		"2026-12-01 00:00:00Z",
		"2026-12-01t00:00:00Z",
		"2026-12-01T00:00:00z",
		"2026-12-01T00:00:00-00:00",
		"2026-12-01T00:00:00+01:00",
		"2026-12-01T00:00:00.Z",
		"2026-12-01T00:00:00,5Z",
		"2026-12-01T00:00:00.0000000001Z",
		"2026-12-01T00:00:00ZZ",
		"2026-12-01T24:00:00Z",
		"2026-12-01T23:60:00Z",
		"2026-12-31T23:59:60Z",
		"2026-00-01T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"1970-01-01T00:00:00Z",
		"1969-12-31T23:59:59Z",
		"2262-01-01T00:00:00Z",
		"26-12-01T00:00:00Z",
		"+026-12-01T00:00:00Z",
		"02026-12-01T00:00:00Z",
		"2026-1-01T00:00:00Z",
		"2026-12- 1T00:00:00Z",
	};
	uint64_t time_ns;

	for (size_t i = 0; i < COUNT(refused); i++) {
		time_ns = 77;
		CU_ASSERT(text_time(refused[i], &time_ns) < 0 && time_ns == 77);
	}
}

/* Each day has its text, and no other day in its month's range has one. */
static void test_calendar(void)
{
	static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	uint64_t day = 365, time_ns; /* since 1970 */
	char text[TEXT_TIME], printed[TEXT_TIME];

	for (unsigned year = 1971; year <= 2261; year++) {
		bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

		for (unsigned month = 1; month <= 12; month++) {
			unsigned length = lengths[month - 1] + (month == 2 && leap);

			for (unsigned date = 1; date <= 31; date++) {
				snprintf(text, sizeof text, "%04u-%02u-%02uT00:00:00Z", year, month,
					 date);
				if (date > length) {
					CU_ASSERT(text_time(text, &time_ns) < 0);
					continue;
				}
				CU_ASSERT_EQUAL(text_time(text, &time_ns), 0);
				CU_ASSERT_EQUAL(time_ns, day * 86400 * NS_PER_S);
				text_print_time(time_ns, printed);
				CU_ASSERT_STRING_EQUAL(printed, text);
				day++;
			}
		}
	}
}

static void test_durations(void)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {
		{"1s", 1},    {"90s", 90},    {"10m", 600},
		{"2h", 7200}, {"7d", 604800}, {"36525d", UINT64_C(36525) * 86400},
	};
	static const char *const refused[] = {
		"",      "s",  "10",  "0s",  "-1s", "+1s",    "1.5h",    "01s",
		"1w",    "1S", "1 s", " 1s", "1ss", "36526d", "876601h", "999999999999999999d",
		"1h30m",
	};
	uint64_t duration_ns;

	for (size_t i = 0; i < COUNT(cases); i++) {
		CU_ASSERT_EQUAL(text_duration(cases[i].text, &duration_ns), 0);
		CU_ASSERT_EQUAL(duration_ns, cases[i].seconds * NS_PER_S);
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		duration_ns = 77;
		CU_ASSERT(text_duration(refused[i], &duration_ns) < 0 && duration_ns == 77);
	}
}

static void test_names_and_reasons(void)
{
	/* The first and last of each length; beside what is kept for UTF-16. */
	static const char *const characters[] = {
		" ",
		"~",
		"\xc2\xa0",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
	};
	static const char *const none[] = {
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xc3",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xef\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf0\x90\x80",
		"\xff",
		"\xf8\x88\x80\x80",
		"\xc3(",
		"\xe2(\xa1",
	};
	static const char sixty_three[] =
		"a23456789.123456789_123456789-123456789012345678901234567890123";
	char long_name[] = "a23456789.123456789_123456789-1234567890123456789012345678901234";

	CU_ASSERT(text_is_name("a") && text_is_name("0") && text_is_name("Z.-_9"));
	CU_ASSERT(text_is_name(sixty_three) && !text_is_name(long_name));
	CU_ASSERT(!text_is_name("") && !text_is_name(".a") && !text_is_name("-a"));
	CU_ASSERT(!text_is_name("a b") && !text_is_name("a/b") && !text_is_name("\xc3\xa9"));
	CU_ASSERT(text_is_reason("scan, 2nd \"wave\"") && text_is_reason("\xc3\xa9\xc2\xa0"));
	CU_ASSERT(!text_is_reason("") && !text_is_reason("a\nb") && !text_is_reason("\x1b[2J"));
	CU_ASSERT(!text_is_reason("\x7f") && !text_is_reason("csi \xc2\x9b"));
	for (size_t i = 0; i < COUNT(characters); i++)
		CU_ASSERT(text_is_reason(characters[i]));
	for (size_t i = 0; i < COUNT(none); i++)
		CU_ASSERT(!text_is_reason(none[i]));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"percentages, all of them", test_percentages},
		{"quantities", test_quantities},
		{"times", test_times},
		{"times refused", test_times_refused},
		{"every day from 1971 to 2261", test_calendar},
		{"durations", test_durations},
		{"names and reasons", test_names_and_reasons},
		CU_TEST_INFO_NULL,
	};

	return suite_run("policy_text", tests);
}
