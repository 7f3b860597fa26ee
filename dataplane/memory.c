/* SPDX-License-Identifier: BSD-3-Clause */
/* See memory.h. */
#include "memory.h"

#include <stdint.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 * 1024 * 1024 };

/* Map `size` bytes that begin where a huge page can. */
static void *map_aligned(size_t size)
{
	size_t room = size + HUGE_PAGE, before;
	char *start;

	if (room < size)
		return NULL;
	start = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)start & (HUGE_PAGE - 1);
	if (before)
		munmap(start, before);
	munmap(start + before + size, HUGE_PAGE - before);
	return start + before;
}

/* New pages are zeroed by the kernel; one write each brings them here. */
static void touch(volatile char *memory, size_t size)
{
	for (size_t page = 0; page < size; page += 4096)
		memory[page] = 0;
}

void *memory_map(size_t size)
{
	size_t unit = size < HUGE_PAGE ? 4096 : HUGE_PAGE;
	size_t rounded = (size + unit - 1) & ~(unit - 1);
	void *memory;

	if (rounded < size || rounded == 0)
		return NULL;
	memory = map_aligned(rounded);
	if (!memory)
		return NULL;
	/* A kernel without huge pages says no, and small ones do. */
	madvise(memory, rounded, MADV_HUGEPAGE);
	touch(memory, rounded);
	return memory;
}

void memory_unmap(void *memory, size_t size)
{
	size_t unit = size < HUGE_PAGE ? 4096 : HUGE_PAGE;

	if (memory)
		munmap(memory, (size + unit - 1) & ~(unit - 1));
}
