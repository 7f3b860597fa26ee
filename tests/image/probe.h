/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A good image, and what a reader does when one of its segments is replaced by hostile
 * bytes whose checksum is right: check, open, and decide packets. Under AddressSanitizer,
 * with every segment in a heap block of its exact size, a missing check in core/image.c
 * becomes a crash here. For test_image and fuzz_image.
 */
#pragma once

#include "compile/compile.h"
#include "decide.h"

/* Compile the good image. False: it did not compile, and the error is on stderr. */
bool probe_setup(void);

/* The good segment of a kind, and its size in bytes. */
const void *probe_segment(enum segment_kind kind, size_t *size);

/*
 * Take `size` bytes as the segment of a kind: magic, version, kind, size and hash are put
 * right, the rest is the caller's. 0: it passed every check, and packets were decided by
 * it; -EBADMSG: it was refused, as *error says.
 */
int probe_replace(enum segment_kind kind, const void *data, size_t size, struct image_error *error);
