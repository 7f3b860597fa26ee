/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rule decides, for each service (the last row: none) and origin. */
#pragma once

#include "compile/origins.h"

/* [services + 1][origins] of rule indices or NONE, for free(). NULL: no memory. */
uint16_t *choice_new(const struct policy *policy, const struct membership *membership);
