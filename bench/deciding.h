/* SPDX-License-Identifier: BSD-3-Clause */
/* A twin that decides by a policy. */
#pragma once

#include "load.h"
#include "world.h"

/*
 * Attach a twin to the interface `name` of this process's own network (see net.h), alone there,
 * with buckets for so many sources. It decides by the document `file` with TRAFFIC_BLOCKED blocked
 * sources: see policy_image_open(); with a direct table where a data plane has one. 0, or not: what
 * is wrong has been said.
 */
int deciding_twin(const char *name, uint64_t sources, const char *file, struct policy_image *policy,
		  struct twin **twin);

/* The packets that it decided for a reason so far. */
uint64_t deciding_count(const struct twin *twin, enum reason reason);
