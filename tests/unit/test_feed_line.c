/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of CSV feeds: what is accepted, and what is refused and why. */
#include "compile/feeds.h"
#include "policies.h"
#include "random.h"

static void test_line_accepted(void)
{
	static const struct {
		const char *line, *prefix, *country;
		uint32_t asn;
	} rows[] = {
		{"192.0.2.0/24,US,64496", "192.0.2.0/24", "US", 64496},
		{"192.0.2.0/24,US,AS64496", "192.0.2.0/24", "US", 64496},
		{"192.0.2.0/24,,1", "192.0.2.0/24", "", 1},
		{"192.0.2.1,A1,", "192.0.2.1", "A1", 0},
		{"2001:db8::/32,DE,4294967295", "2001:db8::/32", "DE", UINT32_MAX},
		{"192.0.2.0/24,US,0", "192.0.2.0/24", "US", 0},
		{" 0.0.0.0/0 ,\tFR , 7 # all of it\r", "0.0.0.0/0", "FR", 7},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct feed_prefix prefix;
		struct error error;
		char text[PREFIX_TEXT];

		CU_ASSERT_EQUAL(feed_csv_line(rows[i].line, "here", &prefix, &error), 0);
		prefix_print(&prefix.prefix, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].prefix);
		CU_ASSERT_EQUAL(strncmp(prefix.country, rows[i].country, 2), 0);
		CU_ASSERT_EQUAL(prefix.asn, rows[i].asn);
	}
}

static void test_line_blank(void)
{
	static const char *const lines[] = {"", " \t", "# 192.0.2.0/24,US,1", "  # , ,", "\r"};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		CU_ASSERT_EQUAL(feed_csv_line(lines[i], "here", NULL, NULL), 1);
}

/* A line with one byte of it changed, at most. */
static void random_line(char line[128])
{
	static const char bytes[] = "0123456789abcdefABCDEF:::...///,,, \t\r#SUZ";
	struct prefix prefix = random_prefix();
	char text[PREFIX_TEXT];
	size_t size;

	prefix_print(&prefix, text);
	size = (size_t)snprintf(line, 128, "%s%s,%s,%s%u%s", text,
				random_below(4) || strchr(text, '/') ? "" : "/128",
				random_below(3) ? "US" : "", random_below(4) ? "" : "AS",
				random_below(4) ? random_below(100000) : 0,
				random_below(9) ? "" : "\r");
	if (random_below(2))
		line[random_below((uint32_t)size)] = bytes[random_below(sizeof bytes - 1)];
}

/* What is read the short way is what is read the long way. */
static void test_line_usual(void)
{
	enum { LINES = 300000 };
	unsigned usual = 0, unusual = 0, wrong = 0;

	for (unsigned i = 0; i < LINES; i++) {
		struct feed_prefix prefix = {.asn = 0}, again = prefix;
		struct error error;
		char line[128], *end;

		random_line(line);
		end = line + strlen(line);
		*end = '\n';
		if (!feed_line_usual(line, end, &prefix)) {
			unusual++;
			continue;
		}
		*end = '\0';
		usual++;
		wrong += feed_csv_line(line, "here", &again, &error) != 0 ||
			 memcmp(&prefix, &again, sizeof prefix) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(usual > LINES / 3 && unusual > LINES / 10);
}

/* Most feeds hold nothing else, and must not be read the long way. */
static void test_line_usual_forms(void)
{
	static const struct {
		const char *line;
		bool usual;
	} rows[] = {
		{"192.0.2.0/24,US,64496\n", true},
		{"192.0.2.1,,AS64496\r\n", true},
		{"0.0.0.0/0,FR,\n", true},
		{"::/0,FR,0\n", true},
		{"2001:db8::/32,FR,1\n", true},
		{"2001:DB8:0:1::,FR,1\n", true},
		{"1:2:3:4:5:6:7::,,1\n", true},
		{"::2:3:4:5:6:7:8,,1\n", true},
		{"1:2:3:4:5:6:7:8,,1\n", true},
		{"1:2:3:4:5:6:7:8::,,1\n", false},
		{"1:2:3:4::5:6:7:8,,1\n", false},
		{"1::2::3,,1\n", false},
		{"1:2:3,,1\n", false},
		{":1::2,,1\n", false},
		{"1:2:3:4:5:6:7:8:9,,1\n", false},
		{"::1.2.3.4,,1\n", false},
		{"::1/129,,1\n", false},
		{"192.0.2.0/33,US,1\n", false},
		{"192.0.2.1/24,US,1\n", false},
		{"192.0.02.0/24,US,1\n", false},
		{"192.0.2.0/24,US,4294967296\n", false},
		{"192.0.2.0/24,,\n", false},
		{"192.0.2.0/24,,0\n", false},
		{"192.0.2.0/24,US\n", false},
		{"192.0.2.0/24,US,1,\n", false},
		{" 192.0.2.0/24,US,1\n", false},
		{"\n", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *line = rows[i].line;
		struct feed_prefix prefix;

		CU_ASSERT_EQUAL(feed_line_usual(line, strchr(line, '\n'), &prefix), rows[i].usual);
	}
}

static void test_line_refused(void)
{
	static const struct {
		const char *line, *message;
	} rows[] = {
		{"192.0.2.0/24", "not the fields"},
		{"192.0.2.0/24,US", "not the fields"},
		{"192.0.2.0/24,US,1,", "not the fields"},
		{",,,,,,,,,,,,", "not the fields"},
		{"192.0.2.1/24,US,1", "host bits"},
		{"192.0.2.0/33,US,1", "192.0.2.0/33"},
		{",US,1", "prefix"},
		{"192.0.2.0/24,,", "neither"},
		{"192.0.2.0/24,us,1", "\"us\" is not a country"},
		{"192.0.2.0/24,USA,1", "\"USA\" is not a country"},
		{"192.0.2.0/24,U,1", "\"U\" is not a country"},
		{"192.0.2.0/24,,0", "neither"},
		{"192.0.2.0/24,US,4294967296", "not the number"},
		{"192.0.2.0/24,US,18446744073709551617", "not the number"},
		{"192.0.2.0/24,US,-1", "not the number"},
		{"192.0.2.0/24,US,1x", "not the number"},
		{"192.0.2.0/24,US,AS", "not the number"},
		{"192.0.2.0/24,US,as1", "not the number"},
		{"192.0.2.0/24 192.0.2.0/24,US,1", "prefix"},
	};
	char many[1000];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct feed_prefix prefix;
		struct error error = {0};

		CU_ASSERT_EQUAL(feed_csv_line(rows[i].line, "extra.csv:12", &prefix, &error), -1);
		CU_ASSERT_EQUAL(error.code, ERROR_INVALID);
		CU_ASSERT_STRING_EQUAL(error.path, "extra.csv:12");
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, rows[i].message));
	}
	for (size_t length = 250; length < 260; length++) {
		struct feed_prefix prefix;
		struct error error;

		memset(many, '#', length);
		many[length] = '\0';
		CU_ASSERT_EQUAL(feed_csv_line(many, "here", &prefix, &error),
				length < 256 ? 1 : -1);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"accepted", test_line_accepted},
		{"that say nothing", test_line_blank},
		{"refused", test_line_refused},
		{"usual", test_line_usual_forms},
		{"usual ones are read alike", test_line_usual},
		CU_TEST_INFO_NULL,
	};

	return suite_run("feed_line", tests);
}
