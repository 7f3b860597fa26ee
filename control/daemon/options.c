/* SPDX-License-Identifier: BSD-3-Clause */
/* See options.h. */
#include "daemon/options.h"

#include "daemon/role.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option options_known[] = {
	{"state", required_argument, NULL, 's'},     {"run", required_argument, NULL, 'r'},
	{"feeds", required_argument, NULL, 'f'},     {"libloc", required_argument, NULL, 'l'},
	{"operators", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},         {0},
};

static const char usage[] =
	"sluiced [OPTION...]: take changes on a socket and publish them to the data plane\n"
	"\n"
	"  --state DIR        what outlives a restart (/var/lib/sluice)\n"
	"  --run DIR          boards and control.sock (/run/sluice)\n"
	"  --feeds DIR        CSV origin feeds (feeds in the state folder)\n"
	"  --libloc FILE      libloc's database (that of the system's package)\n"
	"  --operators GROUP  whose members are operators\n"
	"  --help, --version\n";

static int read_operators(const char *group, struct options *options)
{
	struct error error;

	if (role_group(group, &options->operators, &error) == 0)
		return -1;
	fprintf(stderr, "sluiced: %s: %s\n", error.path, error.message);
	return EXIT_FAILURE;
}

/* The exit status, or -1 to go on. */
static int read_option(int option, const char *value, struct options *options)
{
	switch (option) {
	case 's':
		options->state = value;
		return -1;
	case 'r':
		options->run = value;
		return -1;
	case 'f':
		options->feeds = value;
		return -1;
	case 'l':
		options->libloc = value;
		return -1;
	case 'o':
		return read_operators(value, options);
	case 'h':
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	case 'v':
		puts("sluiced " SLUICE_VERSION);
		return EXIT_SUCCESS;
	default: /* getopt has said what */
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
}

int options_read(int argc, char **argv, struct options *options)
{
	int option, status;

	*options = (struct options){
		.state = "/var/lib/sluice",
		.run = "/run/sluice",
		.operators = (gid_t)ROLE_NO_GROUP,
	};
	while ((option = getopt_long(argc, argv, "", options_known, NULL)) != -1) {
		status = read_option(option, optarg, options);
		if (status >= 0)
			return status;
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "sluiced: %s: takes no arguments\n%s", argv[optind], usage);
	return EXIT_USAGE;
}
