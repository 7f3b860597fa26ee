/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's libraries, and two ports that only free what they are given, in memory like that of our
 * own tables. */
#pragma once

#include <stddef.h>

/*
 * Start the EAL on the CPU that the caller runs on, and a heap of `size` bytes in transparent huge
 * pages, which are what the data plane's tables have whether or not there is hugetlbfs. Its socket
 * for rte_*_create(), or -1.
 */
int dpdk_start(size_t size);
