/* SPDX-License-Identifier: BSD-3-Clause */
/* What ports are asked to spread frames by, for what NICs offer. */
#include "port.h"
#include "unit/suite.h"

static const struct {
	const char *like;
	uint64_t offered, functions;
	enum port_spread spread;
} cases[] = {
	{"no hash at all", 0, 0, SPREAD_UNKNOWN},
	{"one of other headers", RTE_ETH_RSS_L2_PAYLOAD | RTE_ETH_RSS_MPLS, 0, SPREAD_UNKNOWN},
	{"one of addresses, and of ports",
	 RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_IPV6 |
		 RTE_ETH_RSS_NONFRAG_IPV6_UDP,
	 RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6, SPREAD_ADDRESSES},
	{"one that can leave the destination out",
	 RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_TCP | RTE_ETH_RSS_L3_SRC_ONLY |
		 RTE_ETH_RSS_L3_DST_ONLY | RTE_ETH_RSS_L4_SRC_ONLY,
	 RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_L3_SRC_ONLY, SPREAD_SOURCES},
	{"one that knows half an IPv6 address, as our keys do",
	 RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L3_PRE64 |
		 RTE_ETH_RSS_L3_PRE32,
	 RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L3_PRE64,
	 SPREAD_SOURCES},
	{"one that has a function for TCP and none for whatever IPv4 carries",
	 RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
		 RTE_ETH_RSS_L2_PAYLOAD,
	 RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER,
	 SPREAD_CONNECTIONS},
};

static void test_plan_spread(void)
{
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		uint64_t functions = 0;

		CU_ASSERT_EQUAL(port_plan_spread(cases[i].offered, &functions), cases[i].spread);
		CU_ASSERT_EQUAL(functions, cases[i].functions);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what to spread frames by", test_plan_spread},
		CU_TEST_INFO_NULL,
	};

	return suite_run("port", tests);
}
