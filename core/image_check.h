/* SPDX-License-Identifier: BSD-3-Clause */
/* What opening an image asks of its checks. For image.c alone. */
#pragma once

#include "image.h"

/*
 * Check what ties segments together: that each choice is a rule, and that a rule which
 * diverts is chosen only for services with a fallback. 0, or -EBADMSG with *error set.
 */
int image_check_choice(const struct image *image, const void *services, struct image_error *error);
