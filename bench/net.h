/* SPDX-License-Identifier: BSD-3-Clause */
/* A network of this process's own, made with iproute2, ethtool and nftables; it ends with it. */
#pragma once

#include <stdint.h>

/* Leave the machine's network and mounts for new ones, with a BPF file system. 0, or -1. */
int net_leave(void);

/*
 * Make pair `number` of interfaces: what leaves by outN comes in by inN, in the driver's poll, as
 * from a NIC. 0, or -1.
 */
int net_pair(unsigned number);

unsigned net_out(unsigned number);
unsigned net_in(unsigned number);

/* The descriptor of the program that is attached to inN, or a negative errno. */
int net_program(unsigned number);

/* Have nftables filter inN by the rules in `file`, with the traffic's `blocked` sources. */
int net_rules(const char *file, unsigned number, uint32_t blocked);

/* How many packets reached the kernel's IP from inN, or a negative number. */
int64_t net_passed(unsigned number);
