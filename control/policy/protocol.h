/* SPDX-License-Identifier: BSD-3-Clause */
/* The IP protocols that have a name in documents and requests. */
#pragma once

/* "tcp" is 6, and so on; -1: not one of the names. */
int protocol_number(const char *name);

/* NULL: has no name. */
const char *protocol_name(int number);
