/* SPDX-License-Identifier: BSD-3-Clause */
/* A twin that decides by a policy. */
#pragma once

#include "load.h"
#include "world.h"

/*
 * Open a twin that decides by the document `file` with TRAFFIC_BLOCKED blocked sources: see
 * policy_image_open(). It has a direct table where a data plane would. 0, or not: what is wrong
 * has been said.
 */
int deciding_twin(const struct twin_options *options, const char *file, struct policy_image *policy,
		  struct twin **twin);
