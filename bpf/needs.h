/* SPDX-License-Identifier: BSD-3-Clause */
/* What the programs ask of a kernel. */
#pragma once

#include "load.h"

/* -EOPNOTSUPP, with its name and the version that brought it, for what this kernel lacks. */
int needs_check(struct twin_error *error);
