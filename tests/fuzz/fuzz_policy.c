/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes are a document: refused in printable words, or accepted, and then what is
 * printed is accepted as well and prints the same.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			abort();
	}
}

static char *print(const struct policy *policy)
{
	json_t *json = policy_print(policy, true);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		abort();
	json_decref(json);
	return text;
}

static void check_refusal(const struct error *error)
{
	if (error->code == ERROR_NONE || error->message[0] == '\0')
		abort();
	check_printable(error->path);
	check_printable(error->message);
}

static void check_printing(const struct policy *policy)
{
	struct policy *copy = policy_copy(policy), *again;
	char *printed = print(copy), *twice;
	struct error error;

	if (policy_parse(printed, strlen(printed), 0, &again, &error))
		abort();
	twice = print(again);
	if (strcmp(printed, twice) != 0)
		abort();
	policy_free(copy);
	policy_free(again);
	free(printed);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy *policy;
	struct error error = {.code = ERROR_NONE};

	if (policy_parse(size ? (const char *)data : "", size, 1, &policy, &error))
		check_refusal(&error);
	else
		check_printing(policy);
	policy_free(policy);
	return 0;
}
