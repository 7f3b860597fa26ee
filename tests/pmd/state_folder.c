/* SPDX-License-Identifier: BSD-3-Clause */
/* See state_folder.h. */
#include "state_folder.h"
#include "compile/compile.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static int write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	size_t written = file ? fwrite(data, 1, size, file) : 0;

	if (!file || fclose(file) || written != size) {
		perror(path);
		return -1;
	}
	return 0;
}

int state_folder_write_compiled(const struct compiled *compiled, const char *folder,
				const char *name, uint64_t generation)
{
	struct manifest manifest;
	char path[PATH_MAX];

	compiled_manifest(compiled, generation, 0, NULL, &manifest);
	snprintf(path, sizeof path, "%s/segments", folder);
	mkdir(folder, 0755);
	mkdir(path, 0755);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		snprintf(path, sizeof path, "%s/segments/%s-%016" PRIx64, folder,
			 segment_name(kind), manifest.segment[kind].hash);
		if (write_file(path, compiled->segment[kind]->data, compiled->segment[kind]->size))
			return -1;
	}
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return write_file(path, &manifest, sizeof manifest);
}

int state_folder_write(const char *text, size_t size, const char *feeds, const char *folder,
		       const char *manifest, uint64_t generation)
{
	const struct feed_paths paths = {.folder = feeds};
	struct compiled compiled;
	struct policy *policy;
	struct error error;
	int result = policy_parse(text, size, 0, &policy, &error);

	if (!result) {
		policy->has_salt = true;
		result = compile(policy, &paths, NULL, &compiled, &error);
		policy_free(policy);
	}
	if (result) {
		fprintf(stderr, "%s: %s\n", error.path, error.message);
		return -1;
	}
	result = state_folder_write_compiled(&compiled, folder, manifest, generation);
	compiled_unref(&compiled);
	return result;
}
