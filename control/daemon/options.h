/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's command line. */
#pragma once

#include "bpf/load.h"

#include <stdbool.h>
#include <sys/types.h>

enum { EXIT_USAGE = 2 };

/* Strings stay argv's. */
struct options {
	const char *state, *run; /* folders */
	const char *feeds;       /* folder of CSV feeds */
	const char *libloc;      /* database file, or NULL: the system's */
	gid_t operators;         /* or ROLE_NO_GROUP */
	bool with_twin;          /* there is to be one, by these options: */
	struct twin_options twin;
	bool detach; /* remove the twin in twin.pins, and end */
};

/* Fill in *options. The exit status, with what is wrong said; or -1 to go on. */
int options_read(int argc, char **argv, struct options *options);
