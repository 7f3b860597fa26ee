/* SPDX-License-Identifier: BSD-3-Clause */
/* See dpdk.h. */
#include "dpdk.h"
#include "memory.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <stdio.h>

enum { HUGE_PAGE = 2 * 1024 * 1024 };

static int heap_create(size_t size)
{
	static const char name[] = "bench";
	void *memory = memory_map(size);

	if (!memory || rte_malloc_heap_create(name))
		return -1;
	if (rte_malloc_heap_memory_add(name, memory, size, NULL, (unsigned)(size / HUGE_PAGE),
				       HUGE_PAGE))
		return -1;
	return rte_malloc_heap_get_socket(name);
}

int dpdk_start(const char *lcores, size_t size)
{
	static char words[][24] = {"bench",
				   "--no-huge",
				   "-m",
				   "64",
				   "--no-pci",
				   "--no-shconf",
				   "--no-telemetry",
				   "--log-level=error",
				   "--vdev=net_null0",
				   "--vdev=net_null1",
				   "--vdev=net_ring0",
				   "--vdev=net_ring1",
				   "--lcores",
				   ""};
	char *arguments[RTE_DIM(words)];
	int socket = -1;

	snprintf(words[RTE_DIM(words) - 1], sizeof words[0], "%s", lcores);
	for (unsigned i = 0; i < RTE_DIM(words); i++)
		arguments[i] = words[i];
	if (rte_eal_init(RTE_DIM(words), arguments) >= 0)
		socket = heap_create((size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1));
	if (socket < 0)
		fprintf(stderr, "DPDK has no memory: %s\n", rte_strerror(rte_errno));
	return socket;
}
