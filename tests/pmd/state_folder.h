/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing a state folder as the daemon would, without one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct compiled;

/*
 * Compile a policy document and write its segments and a manifest, `current` or `wanted`, to
 * `folder`, which is made if missing. CSV feeds are found in `feeds`; a document without a
 * salt gets zeros. 0, or -1 having said why on stderr.
 */
int state_folder_write(const char *text, size_t size, const char *feeds, const char *folder,
		       const char *manifest, uint64_t generation);

/* Likewise what has been compiled already. */
int state_folder_write_compiled(const struct compiled *compiled, const char *folder,
				const char *manifest, uint64_t generation);
