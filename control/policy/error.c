/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors may quote hostile text: what leaves here is printable ASCII, always. */
#include "policy/error.h"

#include <stdarg.h>
#include <stdio.h>

static void error_clean(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

int error_set(struct error *error, enum error_code code, const char *path, const char *format, ...)
{
	va_list arguments;

	error->code = code;
	snprintf(error->path, sizeof error->path, "%s", path);
	va_start(arguments, format);
	vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	error_clean(error->path);
	error_clean(error->message);
	return -1;
}

const char *error_word(enum error_code code)
{
	static const char *const words[] = {
		[ERROR_NONE] = "NONE",
		[ERROR_INVALID] = "INVALID",
		[ERROR_UNKNOWN_FIELD] = "UNKNOWN_FIELD",
		[ERROR_CONFLICT] = "CONFLICT",
		[ERROR_LOCKED] = "LOCKED",
		[ERROR_GUARD] = "GUARD",
		[ERROR_CAPACITY] = "CAPACITY",
		[ERROR_DENIED] = "DENIED",
		[ERROR_TIMEOUT] = "TIMEOUT",
		[ERROR_DEGRADED] = "DEGRADED",
	};

	return words[code];
}
