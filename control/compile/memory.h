/* SPDX-License-Identifier: BSD-3-Clause */
/* The one thing that can go wrong with any part of a compilation. */
#pragma once

#include "policy/error.h"

static inline int no_memory(struct error *error)
{
	return error_set(error, ERROR_DEGRADED, "", "not enough memory to compile the policy");
}
