/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorting what begins with a prefix, and finding what is there twice. */
#pragma once

#include "policy/policy.h"

/*
 * Where each of `count` prefixes, `stride` bytes apart from `first` on, belongs in order:
 * order[0] is the index of the lowest; equal ones stay as they stood.
 */
void order_prefixes(const struct prefix *first, size_t stride, size_t count, uint32_t *order);

/* In document order the first index whose prefix an earlier one has already, or SIZE_MAX. */
size_t order_repeated(const struct prefix *first, size_t stride, size_t count,
		      const uint32_t *order);
