/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* What the program on an interface is there for. */
#pragma once

#include "vitals.h"

enum twin_mode {
	TWIN_STANDBY, /* decides what no data plane is there for, and forwards like one */
	TWIN_STEER,   /* only services are the data plane's; the rest is for the kernel's stack */
	TWIN_ALONE,   /* there is no data plane */
	TWIN_MODES
};

/* Static storage. */
static inline const char *twin_mode_word(enum twin_mode mode)
{
	static const char *const words[] = {"standby", "steer", "alone"};

	return words[mode];
}

/* The interface that a program is for. */
struct twin_port {
	uint32_t mode;                  /* enum twin_mode */
	uint32_t role;                  /* enum port_role */
	uint32_t interface[PORT_ROLES]; /* indices of its pair's; 0: there is none */
};
