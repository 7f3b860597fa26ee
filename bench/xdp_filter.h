/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs of xdp-filter, of Debian's xdp-tools, to compare the twin with. */
#pragma once

#include <stdint.h>

struct bpf_object;

/*
 * Load the program `name` ("alw_ip") from `folder`, as xdp-filter would, but attached to nothing,
 * and with room in its map for the traffic's `blocked` sources, which it drops. NULL: what is wrong
 * has been said.
 */
struct bpf_object *xdp_filter_open(const char *folder, const char *name, uint32_t blocked);

void xdp_filter_close(struct bpf_object *filter);

/* The program's descriptor. */
int xdp_filter_program(const struct bpf_object *filter);
