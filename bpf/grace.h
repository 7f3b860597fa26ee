/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When programs in the kernel are done with what was taken from them: once every program that ran
 * as one asked has ended. The kernel takes 10 to 200 ms to say so, for which a thread waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct grace;

/* 0 with *grace the caller's to close, or a negative errno. */
int grace_open(struct grace **grace);

/* Wait for what was asked for, and let go; NULL is fine. */
void grace_close(struct grace *grace);

/* Ask, for what no program can come to from now on: the number to ask below with. */
uint64_t grace_ask(struct grace *grace);

bool grace_passed(struct grace *grace, uint64_t number);

/* Wait until it has passed. */
void grace_wait(struct grace *grace, uint64_t number);
