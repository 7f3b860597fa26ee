/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's libraries, in memory like that of our own tables, and ports: net_null0 and net_null1 free
 * what they are given, net_ring0 and net_ring1 give it back.
 */
#pragma once

#include <stddef.h>

/*
 * Start the EAL on `lcores`, written as for its --lcores, and a heap of `size` bytes in transparent
 * huge pages, which are what the data plane's tables have whether or not there is hugetlbfs. Its
 * socket for rte_*_create(), or -1.
 */
int dpdk_start(const char *lcores, size_t size);
