/* SPDX-License-Identifier: BSD-3-Clause */
/* A loaded twin, and what the files of its loader ask of one another. */
#pragma once

#include "generations.h"
#include "join.h"
#include "load.h"
#include "twin.h"

#include <twin_bpf.h> /* made by bpftool */

struct twin {
	struct twin_bpf *bpf;
	struct join join; /* the state */
	struct generations generations;
	uint8_t asked[sizeof(struct twin_question) + CAP_FRAME];
	uint8_t answered[sizeof(struct twin_question) + CAP_FRAME];
};

/* Set *error to what failed, by a negative errno, which is returned. */
int twin_fail(struct twin_error *error, int code, const char *what);

/* The memory of a map of `size` bytes, or NULL with errno set. */
void *twin_map(int map, size_t size);
