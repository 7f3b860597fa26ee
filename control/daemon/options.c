/* SPDX-License-Identifier: BSD-3-Clause */
/* See options.h. */
#include "daemon/options.h"

#include "daemon/role.h"
#include "daemon/twinning.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GO_ON = -1, SOURCES_DEFAULT = 1 << 20, SOURCES_MOST = 1 << 30 };

static const struct option options_known[] = {
	{"state", required_argument, NULL, 's'},     {"run", required_argument, NULL, 'r'},
	{"feeds", required_argument, NULL, 'f'},     {"libloc", required_argument, NULL, 'l'},
	{"operators", required_argument, NULL, 'o'}, {"twin", required_argument, NULL, 't'},
	{"pair", required_argument, NULL, 'p'},      {"pins", required_argument, NULL, 'i'},
	{"sources", required_argument, NULL, 'n'},   {"explain", no_argument, NULL, 'e'},
	{"detach", no_argument, NULL, 'd'},          {"help", no_argument, NULL, 'h'},
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
	"  --help, --version\n"
	"\n"
	"the twin in the kernel:\n"
	"  --twin MODE        standby: it hands all frames to the data plane, and decides itself\n"
	"                     while that does not take them; steer: the same for frames of the\n"
	"                     policy's services, the rest goes to the kernel's own stack; alone:\n"
	"                     it decides all, without a data plane\n"
	"  --pair EDGE[,SERVER[,FALLBACK]]\n"
	"                     network interfaces: what arrives at EDGE is filtered, what arrives\n"
	"                     at the others goes back to EDGE. EDGE by itself, in mode alone:\n"
	"                     what passes is this host's. Once for each pair\n"
	"  --pins DIR         folder on a bpffs where it lives on without us (" TWINNING_PINS ")\n"
	"  --sources N        sources to hold at one time, in 27 bytes each (1048576)\n"
	"  --explain          say on stderr what libbpf and the kernel's verifier say of it\n"
	"  --detach           remove the twin in --pins, all of it, and end\n";

__attribute__((format(printf, 1, 2))) static int wrong(const char *format, ...)
{
	va_list arguments;

	fputs("sluiced: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("; --help lists the options\n", stderr);
	return EXIT_USAGE;
}

static int read_operators(const char *group, struct options *options)
{
	struct error error;

	if (role_group(group, &options->operators, &error) == 0)
		return GO_ON;
	fprintf(stderr, "sluiced: %s: %s\n", error.path, error.message);
	return EXIT_FAILURE;
}

static int read_mode(const char *word, struct options *options)
{
	for (unsigned mode = 0; mode < TWIN_MODES; mode++) {
		if (strcmp(word, twin_mode_word((enum twin_mode)mode)) == 0) {
			options->twin.mode = (enum twin_mode)mode;
			options->with_twin = true;
			return GO_ON;
		}
	}
	return wrong("--twin: '%s' is not standby, steer or alone", word);
}

/* A name that the kernel would give no interface is refused: it also becomes part of a path. */
static int read_interface(const char *text, size_t length, char name[IF_NAMESIZE])
{
	if (length == 0)
		return wrong("--pair: is not EDGE[,SERVER[,FALLBACK]]");
	if (length >= IF_NAMESIZE)
		return wrong("--pair: '%.*s' is longer than an interface's name may be, %d bytes",
			     (int)length, text, IF_NAMESIZE - 1);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '/' || text[i] == ':' || isspace((unsigned char)text[i]))
			return wrong("--pair: '%.*s' is no interface's name", (int)length, text);
	}
	if (*text == '.' && strspn(text, ".") >= length && length <= strlen(".."))
		return wrong("--pair: '%.*s' is no interface's name", (int)length, text);
	memcpy(name, text, length);
	name[length] = '\0';
	return GO_ON;
}

static int read_pair(const char *text, struct options *options)
{
	struct twin_pair *pair = &options->twin.pair[options->twin.pairs];
	int role = 0, status;

	if (options->twin.pairs == TWIN_PAIRS)
		return wrong("--pair: more than %d", TWIN_PAIRS);
	for (;; role++) {
		size_t length = strcspn(text, ",");

		if (role == PORT_ROLES)
			return wrong("--pair: more than EDGE,SERVER,FALLBACK");
		if ((status = read_interface(text, length, pair->name[role])) != GO_ON)
			return status;
		text += length;
		if (*text++ == '\0')
			break;
	}
	options->twin.pairs++;
	return GO_ON;
}

static int read_sources(const char *text, struct options *options)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno || *end || number == 0 || number > SOURCES_MOST)
		return wrong("--sources: '%s' is not a number from 1 to %d", text, SOURCES_MOST);
	options->twin.sources = number;
	return GO_ON;
}

static int show(int option)
{
	fputs(option == 'h' ? usage : "sluiced " SLUICE_VERSION "\n", stdout);
	return EXIT_SUCCESS;
}

/* The exit status, or GO_ON. */
static int read_option(int option, const char *value, struct options *options)
{
	switch (option) {
	case 's':
		options->state = value;
		return GO_ON;
	case 'r':
		options->run = value;
		return GO_ON;
	case 'f':
		options->feeds = value;
		return GO_ON;
	case 'l':
		options->libloc = value;
		return GO_ON;
	case 'o':
		return read_operators(value, options);
	case 't':
		return read_mode(value, options);
	case 'p':
		return read_pair(value, options);
	case 'i':
		options->twin.pins = value;
		return *value ? GO_ON : wrong("--pins: names no folder");
	case 'n':
		return read_sources(value, options);
	case 'e':
		options->twin.explain = true;
		return GO_ON;
	case 'd':
		options->detach = true;
		return GO_ON;
	case 'h':
	case 'v':
		return show(option);
	default: /* getopt has said what */
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
}

/* The interface that is named twice, or NULL. */
static const char *named_twice(const struct twin_options *twin)
{
	const char *seen[TWIN_INTERFACES];
	unsigned count = 0;

	for (unsigned i = 0; i < twin->pairs * PORT_ROLES; i++) {
		const char *name = twin->pair[i / PORT_ROLES].name[i % PORT_ROLES];

		for (unsigned j = 0; j < count; j++) {
			if (strcmp(seen[j], name) == 0)
				return name;
		}
		if (*name)
			seen[count++] = name;
	}
	return NULL;
}

static int check_twin(const struct twin_options *twin)
{
	const char *twice = named_twice(twin);

	if (twin->pairs == 0)
		return wrong("--twin: between which interfaces? there is no --pair");
	for (unsigned i = 0; i < twin->pairs; i++) {
		if (twin->mode != TWIN_ALONE && !*twin->pair[i].name[PORT_SERVER])
			return wrong("--pair: %s has no SERVER, which mode %s needs",
				     twin->pair[i].name[PORT_EDGE], twin_mode_word(twin->mode));
	}
	return twice ? wrong("--pair: interface %s is named twice", twice) : GO_ON;
}

/* What makes no sense together. */
static int check(const struct options *options)
{
	const struct twin_options *twin = &options->twin;

	if (options->with_twin && options->detach)
		return wrong("--twin and --detach exclude each other");
	if (options->with_twin)
		return check_twin(twin);
	if (twin->pairs || twin->sources || twin->explain || (twin->pins && !options->detach))
		return wrong("--%s: there is no --twin", twin->pairs     ? "pair"
							 : twin->sources ? "sources"
							 : twin->explain ? "explain"
									 : "pins");
	return GO_ON;
}

int options_read(int argc, char **argv, struct options *options)
{
	int option, status = GO_ON;

	*options = (struct options){
		.state = "/var/lib/sluice",
		.run = "/run/sluice",
		.operators = (gid_t)ROLE_NO_GROUP,
	};
	while (status == GO_ON && (option = getopt_long(argc, argv, "", options_known, NULL)) != -1)
		status = read_option(option, optarg, options);
	if (status != GO_ON)
		return status;
	if (optind < argc)
		return wrong("%s: takes no arguments", argv[optind]);
	if ((status = check(options)) != GO_ON)
		return status;
	if (!options->twin.pins)
		options->twin.pins = TWINNING_PINS;
	if (!options->twin.sources)
		options->twin.sources = SOURCES_DEFAULT;
	return GO_ON;
}
