/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes: what is read, what is refused, and that what is printed is canonical. */
#include "policy/prefix.h"
#include "suite.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct prefix read(const char *text)
{
	struct prefix prefix = {.length = 0xff};
	const char *why;

	CU_ASSERT_EQUAL(prefix_parse(text, &prefix, &why), 0);
	return prefix;
}

static void test_print(void)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"0.0.0.0", "0.0.0.0"},
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"192.0.2.7/32", "192.0.2.7"},
		{"192.0.2.6/31", "192.0.2.6/31"},
		{"255.255.255.255", "255.255.255.255"},
		{"::/0", "::/0"},
		{"::", "::"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:0db8::/32", "2001:db8::/32"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix prefix = read(cases[i].text), again;
		char text[PREFIX_TEXT];

		prefix_print(&prefix, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].printed);
		again = read(text);
		CU_ASSERT_EQUAL(prefix_compare(&prefix, &again), 0);
	}
}

static void test_fields(void)
{
	struct prefix ip4 = read("192.0.2.0/28"), ip6 = read("2001:db8:1:2:8000::/65");

	CU_ASSERT(ip4.ip6 == 0 && ip4.length == 28);
	CU_ASSERT(ip4.address.hi == 0 && ip4.address.lo == 0xc0000200);
	CU_ASSERT(ip6.ip6 == 1 && ip6.length == 65);
	CU_ASSERT(ip6.address.hi == 0x20010db800010002 && ip6.address.lo == 0x8000000000000000);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "is not an IPv4 or IPv6 prefix"},
		{"/", "is not an IPv4 or IPv6 prefix"},
		{"/8", "is not an IPv4 or IPv6 prefix"},
		{"10", "is not an IPv4 or IPv6 prefix"},
		{"10.0.0", "is not an IPv4 or IPv6 prefix"},
		{"10.0.0.0.0", "is not an IPv4 or IPv6 prefix"},
		{"10.0.0.256", "is not an IPv4 or IPv6 prefix"},
		{"10.0.0.01", "is not an IPv4 or IPv6 prefix"},
		{"0x0a.0.0.1", "is not an IPv4 or IPv6 prefix"},
		{" 10.0.0.1", "is not an IPv4 or IPv6 prefix"},
		{"10.0.0.1 ", "is not an IPv4 or IPv6 prefix"},
		{"example.org", "is not an IPv4 or IPv6 prefix"},
		{":::", "is not an IPv4 or IPv6 prefix"},
		{"1::2::3", "is not an IPv4 or IPv6 prefix"},
		{"fe80::1%lo", "is not an IPv4 or IPv6 prefix"},
		{"2001:db8:0:0:0:0:0:0:1", "is not an IPv4 or IPv6 prefix"},
		{"00000000000000000000000000000000000000000000000000000000000:1",
		 "is not an IPv4 or IPv6 prefix"},
		{"10.0.0.0/", "has a length that no such prefix has"},
		{"10.0.0.0/33", "has a length that no such prefix has"},
		{"10.0.0.0/08", "has a length that no such prefix has"},
		{"10.0.0.0/+8", "has a length that no such prefix has"},
		{"10.0.0.0/8 ", "has a length that no such prefix has"},
		{"10.0.0.0/8/8", "has a length that no such prefix has"},
		{"10.0.0.0/4294967304", "has a length that no such prefix has"},
		{"10.0.0.0/255.0.0.0", "has a length that no such prefix has"},
		{"::/129", "has a length that no such prefix has"},
		{"10.0.0.1/31", "has host bits set"},
		{"128.0.0.0/0", "has host bits set"},
		{"10.0.0.0/6", "has host bits set"},
		{"::1/127", "has host bits set"},
		{"8000::/0", "has host bits set"},
		{"2001:db8:0:1::/63", "has host bits set"},
		{"2001:db8::8000:0:0:0/64", "has host bits set"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix prefix = {.length = 0xee};
		const char *why = "";

		CU_ASSERT(prefix_parse(cases[i].text, &prefix, &why) < 0);
		CU_ASSERT_STRING_EQUAL(why, cases[i].why);
		CU_ASSERT_EQUAL(prefix.length, 0xee);
	}
}

static void test_order(void)
{
	static const char *const ordered[] = {
		"0.0.0.0/0", "0.0.0.0/1",       "0.0.0.0",   "9.255.255.255", "10.0.0.0/8",
		"10.0.0.0",  "255.255.255.255", "::/0",      "::/64",         "::",
		"::1",       "1::/16",          "1::ffff:0", "ffff::/16",
	};

	for (size_t i = 0; i < COUNT(ordered); i++) {
		for (size_t j = 0; j < COUNT(ordered); j++) {
			struct prefix a = read(ordered[i]), b = read(ordered[j]);
			int compared = prefix_compare(&a, &b);

			CU_ASSERT_EQUAL((compared > 0) - (compared < 0), (i > j) - (i < j));
		}
	}
}

static void test_holds(void)
{
	static const struct {
		const char *prefix, *address;
		bool held;
	} cases[] = {
		{"0.0.0.0/0", "255.255.255.255", true},
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "9.255.255.255", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.0", false},
		{"::/0", "ffff::1", true},
		{"::/0", "192.0.2.1", false},
		{"0.0.0.0/0", "::1", false},
		{"2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::/64", "2001:db8:0:1::", false},
		{"2001:db8::/65", "2001:db8::7fff:0:0:0", true},
		{"2001:db8::/65", "2001:db8:0:0:8000::", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix prefix = read(cases[i].prefix), address = read(cases[i].address);

		CU_ASSERT_EQUAL(prefix_holds(&prefix, address.ip6, address.address), cases[i].held);
	}
}

static void test_whole(void)
{
	static const struct prefix whole[] = {
		{{0, 0}, 0, 0},
		{{0, 0xc0000200}, 0, 24},
		{{0, UINT32_MAX}, 0, 32},
		{{0, 0}, 1, 0},
		{{UINT64_C(1) << 63, 0}, 1, 1},
		{{UINT64_MAX, 0}, 1, 64},
		{{UINT64_MAX, UINT64_MAX}, 1, 128},
	};
	static const struct prefix not_whole[] = {
		{{0, 1}, 0, 0},
		{{0, 0xc0000201}, 0, 24},
		{{0, UINT64_C(1) << 32}, 0, 32},
		{{1, 0}, 0, 32},
		{{0, 1}, 1, 0},
		{{UINT64_MAX, 0}, 1, 63},
		{{UINT64_MAX, 1}, 1, 64},
		{{UINT64_MAX, UINT64_MAX}, 1, 127},
	};

	for (size_t i = 0; i < COUNT(whole); i++)
		CU_ASSERT(prefix_is_whole(&whole[i]));
	for (size_t i = 0; i < COUNT(not_whole); i++)
		CU_ASSERT(!prefix_is_whole(&not_whole[i]));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"printed canonically, and read back", test_print},
		{"fields", test_fields},
		{"refused, and why", test_refused},
		{"nothing past the length", test_whole},
		{"order", test_order},
		{"what a prefix holds", test_holds},
		CU_TEST_INFO_NULL,
	};

	return suite_run("prefix", tests);
}
