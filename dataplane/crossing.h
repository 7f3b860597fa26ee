/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How workers cross from one generation to the next: the main thread points to the newest,
 * each worker picks it up between two bursts and says so, and what none of them uses any
 * more may be freed.
 */
#pragma once

#include "caps.h"

#include <stdbool.h>

struct generation;

struct crossing_worker {
	_Alignas(64) const struct generation *used; /* writer: the worker */
};

struct crossing {
	const struct generation *newest; /* writer: the main thread */
	struct crossing_worker worker[CAP_WORKERS];
};

/* The generation to decide the next burst by, once crossing_use() has been told. */
static inline const struct generation *crossing_newest(const struct crossing *crossing)
{
	return __atomic_load_n(&crossing->newest, __ATOMIC_ACQUIRE);
}

/* `worker` decides by this generation from here on, and is done with any earlier one. */
static inline void crossing_use(struct crossing *crossing, unsigned worker,
				const struct generation *generation)
{
	__atomic_store_n(&crossing->worker[worker].used, generation, __ATOMIC_RELEASE);
}

static inline void crossing_begin(struct crossing *crossing, const struct generation *newest)
{
	__atomic_store_n(&crossing->newest, newest, __ATOMIC_RELEASE);
}

/* Whether all of `workers` use the newest. */
static inline bool crossing_done(const struct crossing *crossing, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++) {
		if (__atomic_load_n(&crossing->worker[i].used, __ATOMIC_ACQUIRE) !=
		    crossing->newest)
			return false;
	}
	return true;
}
