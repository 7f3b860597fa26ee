/* SPDX-License-Identifier: BSD-3-Clause */
/* See options.h. */
#include "options.h"
#include "say.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES_DEFAULT = 1 << 20, SOURCES_MOST = 1 << 30 };

static const char usage[] =
	"usage: sluice-dataplane [EAL OPTION]... -- --pair EDGE,SERVER[,FALLBACK]... [OPTION]...\n"
	"\n"
	"  --pair EDGE,SERVER[,FALLBACK]  DPDK ports by name or number: what arrives at EDGE is\n"
	"                                 filtered, what arrives at the others goes back to EDGE\n"
	"  --workers N     lcores that move packets, besides the main one; queue i of every\n"
	"                  edge port is worker i's (1)\n"
	"  --state DIR     folder of images, as sluiced writes it (/var/lib/sluice)\n"
	"  --run DIR       folder of boards and counters (/run/sluice)\n"
	"  --sources N     sources to hold at one time, in 27 bytes each (1048576)\n"
	"  --twin DIR      work on the buckets of the twin whose pins are in DIR, as sluiced "
	"--twin\n"
	"                  has them, and be handed what the twin's interfaces receive\n"
	"  --simd LEVEL    vector instructions to use: scalar, avx2 or avx512 (the CPU's best)\n"
	"  --packets N     stop after N packets from edge ports\n"
	"  --help, --version\n";

enum {
	OPTION_PAIR,
	OPTION_WORKERS,
	OPTION_STATE,
	OPTION_RUN,
	OPTION_SOURCES,
	OPTION_TWIN,
	OPTION_SIMD,
	OPTION_PACKETS,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option long_options[] = {
	{"pair", required_argument, NULL, OPTION_PAIR},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"state", required_argument, NULL, OPTION_STATE},
	{"run", required_argument, NULL, OPTION_RUN},
	{"sources", required_argument, NULL, OPTION_SOURCES},
	{"twin", required_argument, NULL, OPTION_TWIN},
	{"simd", required_argument, NULL, OPTION_SIMD},
	{"packets", required_argument, NULL, OPTION_PACKETS},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static int wrong_number(const char *option, const char *text, uint64_t most)
{
	say("--%s: '%s' is not a number from 1 to %" PRIu64, option, text, most);
	return -EINVAL;
}

static int parse_number(const char *option, const char *text, uint64_t most, uint64_t *number)
{
	unsigned long long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return wrong_number(option, text, most);
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value == 0 || value > most)
		return wrong_number(option, text, most);
	*number = value;
	return 0;
}

static int parse_simd(const char *text, const struct burst_level **level)
{
	const struct burst_level *found = burst_level(text);

	if (!found) {
		say("--simd: '%s' is not scalar, avx2 or avx512, or this CPU lacks it", text);
		return -EINVAL;
	}
	*level = found;
	return 0;
}

/* Copy the name that `*text` begins with and step past it and its comma. */
static int parse_name(const char **text, char name[OPTIONS_PORT_NAME])
{
	size_t length = strcspn(*text, ",");

	if (length == 0 || length >= OPTIONS_PORT_NAME)
		return -EINVAL;
	memcpy(name, *text, length);
	name[length] = '\0';
	*text += length;
	if (**text == ',' && *++*text == '\0')
		return -EINVAL;
	return 0;
}

static int parse_pair(const char *text, struct options *options)
{
	struct options_pair *pair = &options->pair[options->pairs];
	const char *rest = text;

	if (options->pairs == OPTIONS_PAIRS) {
		say("--pair: more than %d", OPTIONS_PAIRS);
		return -EINVAL;
	}
	if (parse_name(&rest, pair->edge) || parse_name(&rest, pair->server) ||
	    (*rest && parse_name(&rest, pair->fallback)) || *rest) {
		say("--pair: '%s' is not EDGE,SERVER or EDGE,SERVER,FALLBACK", text);
		return -EINVAL;
	}
	options->pairs++;
	return 0;
}

static int parse_option(int option, const char *value, struct options *options)
{
	uint64_t number;

	switch (option) {
	case OPTION_PAIR:
		return parse_pair(value, options);
	case OPTION_WORKERS:
		if (parse_number("workers", value, CAP_WORKERS, &number))
			return -EINVAL;
		options->workers = (unsigned)number;
		return 0;
	case OPTION_STATE:
		options->state_dir = value;
		return 0;
	case OPTION_RUN:
		options->run_dir = value;
		return 0;
	case OPTION_SOURCES:
		return parse_number("sources", value, SOURCES_MOST, &options->sources);
	case OPTION_TWIN:
		options->twin = value;
		return 0;
	case OPTION_SIMD:
		return parse_simd(value, &options->simd);
	case OPTION_PACKETS:
		return parse_number("packets", value, INT64_MAX, &options->packets);
	default: /* getopt has said what */
		return -EINVAL;
	}
}

enum options_result options_parse(int argc, char **argv, struct options *options)
{
	struct options parsed = {
		.workers = 1,
		.state_dir = "/var/lib/sluice",
		.run_dir = "/run/sluice",
		.simd = burst_level_best(),
	};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == OPTION_HELP || option == OPTION_VERSION) {
			fputs(option == OPTION_HELP ? usage
						    : "sluice-dataplane " SLUICE_VERSION "\n",
			      stdout);
			return OPTIONS_SHOWN;
		}
		if (parse_option(option, optarg, &parsed))
			return OPTIONS_WRONG;
	}
	if (optind < argc) {
		say("'%s' is not an option", argv[optind]);
		return OPTIONS_WRONG;
	}
	if (parsed.pairs == 0) {
		say("no --pair EDGE,SERVER after `--`: which ports to filter between?");
		return OPTIONS_WRONG;
	}
	if (parsed.twin && parsed.sources) {
		say("--sources: the twin has them already, in %s", parsed.twin);
		return OPTIONS_WRONG;
	}
	if (!parsed.sources)
		parsed.sources = SOURCES_DEFAULT;
	*options = parsed;
	return OPTIONS_RUN;
}
