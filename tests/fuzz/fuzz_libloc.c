/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hostile databases of libloc's. The input is where the header says that tree and networks are,
 * four words as they stand in the file, and what follows the header.
 */
#include "compile/feeds.h"

#define LIBLOC_PRIVATE
#include <libloc/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct places {
	uint32_t tree_offset, tree_length, data_offset, data_length;
};

/* What the database at `path` holds, or a reason why not that names the file. */
static void read_database(const char *path)
{
	struct feed_data feed;
	struct error error = {0};

	feed_init(&feed);
	if (feed_libloc(path, &feed, &error) != 0 &&
	    (strcmp(error.path, path) != 0 || error.message[0] == '\0'))
		abort();
	for (unsigned i = 0; i < feed.forest[1].count; i++) {
		if (feed.forest[1].nodes[i].length > 128)
			abort();
	}
	feed_free(&feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct loc_database_magic magic = {LOC_DATABASE_MAGIC, LOC_DATABASE_VERSION_1};
	struct loc_database_header_v1 header = {0};
	struct places places;
	char path[32];
	int file;

	if (size < sizeof places)
		return 0;
	memcpy(&places, data, sizeof places);
	header.network_tree_offset = places.tree_offset;
	header.network_tree_length = places.tree_length;
	header.network_data_offset = places.data_offset;
	header.network_data_length = places.data_length;
	file = memfd_create("database", MFD_CLOEXEC);
	if (file < 0 || write(file, &magic, sizeof magic) != (ssize_t)sizeof magic ||
	    write(file, &header, sizeof header) != (ssize_t)sizeof header ||
	    write(file, data + sizeof places, size - sizeof places) !=
		    (ssize_t)(size - sizeof places))
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	read_database(path);
	close(file);
	return 0;
}
