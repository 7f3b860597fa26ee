/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of core/image.h that say what a set says, while their expiries are being interned. */
#pragma once

#include "compile/intern.h"
#include "image.h"

/* Of two words of one verdict that which lasts longer; 0 is none at all. */
static inline uint32_t word_longer(const struct intern *expires, uint32_t a, uint32_t b)
{
	uint64_t until_a, until_b;

	if (a == 0 || b == 0)
		return a | b;
	until_a = expires->keys[set_expiry(a)];
	until_b = expires->keys[set_expiry(b)];
	return until_a == 0 || (until_b != 0 && until_a >= until_b) ? a : b;
}
