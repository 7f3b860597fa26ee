/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for tables: whole pages of the process's own, huge ones where the kernel has
 * them, whether or not DPDK runs on hugepages.
 */
#pragma once

#include <stddef.h>

/*
 * At least `size` zeroed bytes, page-aligned, every page of them present, so that no
 * packet waits for one. NULL: no memory.
 */
void *memory_map(size_t size);

/* Give back what memory_map() gave for the same size; NULL is fine. */
void memory_unmap(void *memory, size_t size);
