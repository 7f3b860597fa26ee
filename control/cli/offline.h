/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies read and compiled here, for the commands that need no daemon. */
#pragma once

#include "cli.h"
#include "compile/compile.h"

/* The whole of a file, for free(); *size excludes the NUL that follows it. NULL with *error. */
char *file_read(const char *file, size_t *size, struct error *error);

/* A compiled policy and the image in it. */
struct offline {
	struct policy *policy;
	struct compiled compiled;
	struct image image;
	json_t *document; /* as it stands in the file */
};

/*
 * Read and check the document in `file`; nothing is compiled. For offline_close(). The
 * exit status, once the error has been said.
 */
int offline_parse(const char *file, struct offline *offline);

/*
 * The same, and compile it, with CSV feeds from beside the document. Without a salt it
 * gets an all-zero one, which is said on stderr if `salted`: if the salt matters here.
 */
int offline_open(const struct cli *cli, const char *file, bool salted, struct offline *offline);

void offline_close(struct offline *offline);
