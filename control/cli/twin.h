/* SPDX-License-Identifier: BSD-3-Clause */
/* The twin, for people. */
#pragma once

#include <jansson.h>

/* What it does now, and a line for each interface; nothing where the daemon has none. */
void print_twin(const json_t *twin);
