/* SPDX-License-Identifier: BSD-3-Clause */
/* Range tables against a list of prefixes, every one of which is asked. */
#include "compile/table.h"
#include "policies.h"

enum { NO_VALUE = 7777, PREFIXES = 200, ADDRESSES = 2000, ROUNDS = 60 };

struct listed {
	struct prefix prefix;
	uint32_t value;
};

/* The longest prefix that holds the address; of equal ones the one listed last. */
static uint32_t naive_find(const struct listed *listed, size_t count, bool ip6,
			   struct address address)
{
	uint32_t value = NO_VALUE;
	int longest = -1;

	for (size_t i = 0; i < count; i++) {
		if (prefix_holds(&listed[i].prefix, ip6, address) &&
		    listed[i].prefix.length >= longest) {
			longest = listed[i].prefix.length;
			value = listed[i].value;
		}
	}
	return value;
}

/* A table as the reader sees it. */
static struct range range_from(const struct table table[FAMILIES])
{
	return (struct range){
		.ip4 = {table[0].index, table[0].first, table[0].value, table[0].count},
		.ip6 = {table[1].index, table[1].first, table[1].value, table[1].count},
	};
}

static void build(const struct listed *listed, size_t count, struct table table[FAMILIES])
{
	struct forest forest[FAMILIES];

	forests_init(forest);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL_FATAL(forests_add(forest, &listed[i].prefix, listed[i].value), 0);
	CU_ASSERT_EQUAL_FATAL(forests_link(forest), 0);
	for (unsigned family = 0; family < FAMILIES; family++) {
		uint32_t *values = calloc(forest[family].count + 1, sizeof *values);

		CU_ASSERT_PTR_NOT_NULL_FATAL(values);
		for (uint32_t i = 0; i < forest[family].count; i++)
			values[i] = forest[family].nodes[i].item;
		CU_ASSERT_EQUAL_FATAL(
			table_build(&forest[family], values, NO_VALUE, &table[family]), 0);
		free(values);
	}
	forests_free(forest);
}

/* The borders of a prefix, and what lies a step beyond them, are where tables go wrong. */
static struct address near(const struct prefix *prefix)
{
	unsigned __int128 all = prefix->ip6 ? ~(unsigned __int128)0 : UINT32_MAX;
	unsigned __int128 address =
		(unsigned __int128)prefix->address.hi << 64 | prefix->address.lo;

	if (random_u64() & 1)
		address |= prefix->length < 128 ? all >> prefix->length : 0;
	address = (address + random_below(3) - 1) & all;
	return (struct address){(uint64_t)(address >> 64), (uint64_t)address};
}

static void compare(const struct listed *listed, size_t count)
{
	struct table table[FAMILIES];
	struct range range;
	unsigned wrong = 0;

	build(listed, count, table);
	range = range_from(table);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		bool ip6 = random_u64() & 1;
		struct address address = random_address(ip6);

		if (count && random_below(2)) {
			const struct prefix *prefix = &listed[random_below((uint32_t)count)].prefix;

			ip6 = prefix->ip6;
			address = near(prefix);
		}
		wrong += range_find(&range, ip6, address, NO_VALUE) !=
			 naive_find(listed, count, ip6, address);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	table_free(&table[0]);
	table_free(&table[1]);
}

static void test_random(void)
{
	static struct listed listed[PREFIXES];

	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t count = random_below(PREFIXES + 1);

		for (size_t i = 0; i < count; i++)
			listed[i] = (struct listed){random_prefix(), random_below(4)};
		compare(listed, count);
	}
}

static struct prefix prefix_from(const char *text)
{
	struct prefix prefix;
	const char *why;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &prefix, &why), 0);
	return prefix;
}

static void test_borders(void)
{
	static const char *const rows[][3] = {
		{"0.0.0.0/0", "255.255.255.255", "0.0.0.0"},
		{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"255.255.255.0/24", "255.255.255.255", "255.255.255.0/31"},
		{"0.0.0.0/1", "128.0.0.0/1", "127.255.255.255"},
		{"192.0.2.0/24", "192.0.2.0/24", "192.0.2.0/24"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct listed listed[3];

		for (uint32_t j = 0; j < 3; j++)
			listed[j] = (struct listed){prefix_from(rows[i][j]), j};
		compare(listed, 3);
	}
}

/* As many tables as fill every size of index. */
static void test_index(void)
{
	static struct listed listed[70000];

	for (uint32_t count = 1; count <= 70000; count = count * 3 + 1) {
		for (uint32_t i = 0; i < count; i++)
			listed[i] = (struct listed){{{0, (uint64_t)i << 12}, 0, 24}, i % 5};
		compare(listed, count);
	}
}

/* The longest chains that an index can be asked for: prefixes in prefixes around one address. */
static void test_nested(void)
{
	static struct listed listed[128];

	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		unsigned bits = ip6 ? 128 : 32;

		for (uint32_t i = 0; i < bits; i++) {
			unsigned __int128 low = ((unsigned __int128)1 << i) - 1;
			unsigned __int128 address =
				((unsigned __int128)0x20010db812345678 << 64 | 0x9abcdef012345678) &
				~low & (ip6 ? ~(unsigned __int128)0 : UINT32_MAX);

			listed[i] = (struct listed){
				{{(uint64_t)(address >> 64), (uint64_t)address}, ip6, bits - i}, i};
		}
		compare(listed, bits);
	}
}

/* More ranges in one /64, and in one /112, than a cell of the index is to hold. */
static void test_crowded(void)
{
	enum { COUNT = 5000 };
	static struct listed listed[COUNT];

	for (unsigned step = 2; step <= 2048; step *= 32) {
		for (uint32_t i = 0; i < COUNT; i++)
			listed[i] = (struct listed){
				{{UINT64_C(0x20010db800010002), i * step}, true, 127}, i % 7};
		compare(listed, COUNT);
	}
}

static void test_nothing(void)
{
	struct listed listed[2] = {{prefix_from("10.0.0.0/8"), NO_VALUE},
				   {prefix_from("2001:db8::/32"), NO_VALUE}};
	struct table table[FAMILIES];

	build(listed, 2, table);
	CU_ASSERT_EQUAL(table[0].count, 0);
	CU_ASSERT_EQUAL(table[0].slots, 0);
	CU_ASSERT_EQUAL(table[1].count, 0);
	table_free(&table[0]);
	table_free(&table[1]);
	compare(NULL, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"random prefixes", test_random},
		{"first and last address", test_borders},
		{"every size of index", test_index},
		{"nested prefixes", test_nested},
		{"crowded networks", test_crowded},
		{"values that say nothing", test_nothing},
		CU_TEST_INFO_NULL,
	};

	return suite_run("table", tests);
}
