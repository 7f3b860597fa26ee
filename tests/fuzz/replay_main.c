/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target once over every file named, and every file in a folder named: the
 * kept corpus as a plain test, with any compiler. Fails if there was nothing to run.
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned inputs;

static void run_file(const char *path, size_t size)
{
	/* Exactly as large as the input, so that a sanitizer sees a read past it. */
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");

	if (!data || !file || fread(data, 1, size, file) != size)
		err(1, "%s", path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	inputs++;
}

static void run_path(const char *path);

static void run_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char *inner;

	if (!folder)
		err(1, "%s", path);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&inner, "%s/%s", path, entry->d_name) < 0)
			err(1, "%s", path);
		run_path(inner);
		free(inner);
	}
	closedir(folder);
}

static void run_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		err(1, "%s", path);
	if (S_ISDIR(status.st_mode))
		run_folder(path);
	else
		run_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%u inputs\n", inputs);
	return inputs == 0;
}
