/* SPDX-License-Identifier: BSD-3-Clause */
/* One interface and what is attached to it. Functions return 0 or a negative errno. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Attach a program: in the driver, or else in the generic hook. The link's file descriptor. */
int hook_make(int program, unsigned interface);

/* Detach what the link attached, though others may hold it. */
int hook_end(int link);

/* Whether the link's program is the one on this interface. */
bool hook_is_on(int link, unsigned interface);

/* Whether what is attached is so in the driver. */
bool hook_is_native(unsigned interface);

/* -EBUSY, with its name and id in `what`, if a program is attached that is not the twin's. */
int hook_foreign(unsigned interface, char *what, size_t size);

/* Say what the driver does to frames before a program sees them, and how that is turned off. */
void hook_offloads(const char *name, char *what, size_t size);
