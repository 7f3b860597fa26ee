/* SPDX-License-Identifier: BSD-3-Clause */
/* What the data plane tells people, one line at a time on stderr; stdout is for the totals. */
#pragma once

/* Print one line, printf-like, without its end. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
