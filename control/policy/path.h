/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON paths as errors name them: rules[0].admit, sets["a.b"].entries[3]. */
#pragma once

#include "policy/error.h"

#include <stddef.h>

/* Built from the left, starting as {0}; what no longer fits is left out. */
struct path {
	char text[sizeof((struct error){0}.path)];
};

void path_key(struct path *path, const char *key, size_t size);
void path_index(struct path *path, size_t index);
