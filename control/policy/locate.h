/* SPDX-License-Identifier: BSD-3-Clause */
/* Where in a document a byte is, for the errors of which the JSON reader knows no more. */
#pragma once

#include "policy/path.h"

/*
 * The path to what the first `position` bytes of `text`, JSON or not, end in: to a key if
 * the last token is one, else to the value that was expected or begun.
 */
struct path locate(const char *text, size_t position);
