/* SPDX-License-Identifier: BSD-3-Clause */
/* make_state POLICY FOLDER MANIFEST GENERATION: state_folder_write() of a document's file. */
#include "state_folder.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

enum { DOCUMENT_MOST = 1 << 20 };

int main(int argc, char **argv)
{
	static char text[DOCUMENT_MOST];
	FILE *file;
	size_t size;

	if (argc != 5) {
		fprintf(stderr, "usage: %s POLICY FOLDER MANIFEST GENERATION\n", argv[0]);
		return EXIT_FAILURE;
	}
	file = fopen(argv[1], "rb");
	if (!file) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	size = fread(text, 1, sizeof text, file);
	fclose(file);
	return state_folder_write(text, size, dirname(argv[1]), argv[2], argv[3],
				  strtoull(argv[4], NULL, 10))
		       ? EXIT_FAILURE
		       : EXIT_SUCCESS;
}
