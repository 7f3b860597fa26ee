/* SPDX-License-Identifier: BSD-3-Clause */
/* Any text is a line of a CSV feed: refused with a reason, or a prefix that prints as it reads. */
#include "compile/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write what was read as a line again; reading that must give the same. */
static void check_again(const struct feed_prefix *read)
{
	char prefix[PREFIX_TEXT], line[128];
	struct feed_prefix again;
	struct error error;

	prefix_print(&read->prefix, prefix);
	snprintf(line, sizeof line, read->asn ? "%s,%.2s,%u" : "%s,%.2s,", prefix, read->country,
		 read->asn);
	if (feed_csv_line(line, "again", &again, &error) != 0 ||
	    prefix_compare(&read->prefix, &again.prefix) != 0 || read->asn != again.asn ||
	    memcmp(read->country, again.country, sizeof again.country) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct feed_prefix prefix;
	struct error error = {0};
	int result;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	result = feed_csv_line(line, "feed.csv:1", &prefix, &error);
	if (result == 0)
		check_again(&prefix);
	if (result < 0 && (error.code != ERROR_INVALID || error.message[0] == '\0'))
		abort();
	free(line);
	return 0;
}
