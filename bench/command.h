/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of a program here: what all of them have, and what each has besides. */
#pragma once

#include "trial.h"

#include <stdbool.h>

enum { COMMAND_TEXTS = 4, COMMAND_USAGE = 2 };

/* An option with a value, which is left as it was where it is not given. */
struct command_text {
	const char *name, *meaning; /* --name MEANING */
	const char **value;
};

struct command {
	struct command_text text[COMMAND_TEXTS]; /* the program's own, as far as they have a name */
	unsigned rounds;                         /* as it is meant to be; --rounds may change it */
	unsigned quick_rounds;                   /* with --quick */
	bool quick, list;                        /* whether these were given */
};

/* Read it. 0, or COMMAND_USAGE, the status to end with: the usage has been said. */
int command_read(int argc, char **argv, struct command *command);

/* --list: the names of trials, one a line. The status to end with. */
int command_list(struct trial *const *trials, unsigned count);
