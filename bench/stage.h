/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* What bench-twin and its program in the kernel, stage.bpf.c, agree on. */
#pragma once

#include <stdint.h>

enum {
	STAGE_SENDERS = 1 << 21, /* in their order, then again; a power of two */
	STAGE_SOURCE = 26,       /* where in an IPv4 frame without tags the source is */
	STAGE_TARGET = 33,       /* and the last byte of the target */
};

struct stage_sender {
	uint32_t address; /* in network order */
	uint32_t target;
};
