/* SPDX-License-Identifier: BSD-3-Clause */
/* See command.h. */
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUICK = COMMAND_TEXTS, LIST, ROUNDS, OPTIONS };

static void print_usage(const char *program, const struct command *command)
{
	fprintf(stderr, "usage: %s", program);
	for (unsigned i = 0; i < COMMAND_TEXTS && command->text[i].name; i++)
		fprintf(stderr, " [--%s %s]", command->text[i].name, command->text[i].meaning);
	fprintf(stderr, " [--rounds 1-%d] [--quick] [--list]\n", TRIAL_ROUNDS);
}

static int take(int option, const char *value, struct command *command)
{
	switch (option) {
	case QUICK:
		command->quick = true;
		command->rounds = command->quick_rounds;
		return 0;
	case LIST:
		command->list = true;
		return 0;
	case ROUNDS:
		command->rounds = (unsigned)strtoul(value, NULL, 10);
		return command->rounds >= 1 && command->rounds <= TRIAL_ROUNDS ? 0 : -1;
	default:
		if (option < 0 || option >= COMMAND_TEXTS)
			return -1;
		*command->text[option].value = value;
		return 0;
	}
}

int command_read(int argc, char **argv, struct command *command)
{
	struct option options[OPTIONS + 1] = {
		{"quick", no_argument, NULL, QUICK},
		{"list", no_argument, NULL, LIST},
		{"rounds", required_argument, NULL, ROUNDS},
	};
	int option;

	for (int i = 0; i < COMMAND_TEXTS && command->text[i].name; i++)
		options[OPTIONS - COMMAND_TEXTS + i] =
			(struct option){command->text[i].name, required_argument, NULL, i};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (take(option, optarg, command)) {
			print_usage(argv[0], command);
			return COMMAND_USAGE;
		}
	}
	return 0;
}

int command_list(struct trial *const *trials, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		printf("%s\n", trials[i]->name);
	return EXIT_SUCCESS;
}
