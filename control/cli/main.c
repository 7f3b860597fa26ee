/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice: the table of commands, and the one place that reads a command line. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BIT(symbol) (UINT32_C(1) << OPTION_##symbol)

enum {
	EVERYWHERE = 1 << OPTION_JSON | 1 << OPTION_RUN | 1 << OPTION_HELP | 1 << OPTION_VERSION,
	CHANGE = 1 << OPTION_REASON | 1 << OPTION_IF_GENERATION,
	ANY = 0x7fffffff,
};

struct command {
	const char *name;  /* one word or two */
	const char *usage; /* what follows the name, with a blank before it */
	int (*run)(const struct cli *cli);
	const char *summary;
	uint32_t options; /* bits, beside EVERYWHERE */
	int least, most;  /* operands */
};

static const struct command commands[] = {
	{"status", "", command_status, "what is enforced, and what becomes of the traffic", 0, 0,
	 0},
	{"policy show", "", command_policy_show, "print the active policy", 0, 0, 0},
	{"policy check", " FILE", command_policy_check, "check a policy, without the daemon",
	 BIT(LIBLOC), 1, 1},
	{"policy apply", " FILE", command_policy_apply, "replace the active policy", CHANGE, 1, 1},
	{"admit", " RULE PERCENT", command_admit, "set how much of its traffic a rule admits",
	 CHANGE, 2, 2},
	{"limit", " RULE [--source LIMIT|--no-source] [--rule LIMIT|--no-rule]", command_limit,
	 "set a rule's limits", CHANGE | BIT(SOURCE) | BIT(NO_SOURCE) | BIT(RULE) | BIT(NO_RULE), 1,
	 1},
	{"block", " PREFIX...", command_block, "drop all that comes from these sources",
	 CHANGE | BIT(TTL), 1, ANY},
	{"unblock", " PREFIX...", command_unblock, "undo block", CHANGE, 1, ANY},
	{"set add", " NAME PREFIX...|--file FILE", command_set_add, "add entries to a set",
	 CHANGE | BIT(TTL) | BIT(ENTRIES), 1, ANY},
	{"set remove", " NAME PREFIX...|--file FILE", command_set_remove,
	 "remove entries from a set", CHANGE | BIT(ENTRIES), 1, ANY},
	{"set replace", " NAME PREFIX...|--file FILE|--empty", command_set_replace,
	 "give a set these entries and no others", CHANGE | BIT(TTL) | BIT(ENTRIES) | BIT(EMPTY), 1,
	 ANY},
	{"set list", " [NAME]", command_set_list, "list the sets, or the entries of one", 0, 0, 1},
	{"explain", " SOURCE DESTINATION[:PORT[/PROTOCOL]]", command_explain,
	 "what would happen to a packet that opens a connection", BIT(POLICY) | BIT(LIBLOC), 2, 2},
	{"attach", "", command_attach, "have the twin in the kernel back after detach", BIT(REASON),
	 0, 0},
	{"detach", "", command_detach, "remove the twin from the kernel, all of it", BIT(REASON), 0,
	 0},
	{"replay", " --policy FILE --pcap FILE", command_replay,
	 "print what becomes of each packet of a capture", BIT(POLICY) | BIT(PCAP) | BIT(LIBLOC), 0,
	 0},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct {
	const char *name, *argument, *meaning;
} option_texts[] = {
#define X(symbol, name, argument, meaning) {name, argument, meaning},
	OPTIONS(X)
#undef X
};

static void complain(const char *format, va_list arguments)
{
	fflush(stdout);
	fputs("sluice: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
	return EXIT_REFUSED;
}

int refuse_error(const char *file, const struct error *error)
{
	return refuse("%s%s%s%s%s", file ? file : "", file ? ": " : "", error->path,
		      *error->path ? ": " : "", error->message);
}

int refuse_usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
	return EXIT_USAGE;
}

int finish_output(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return refuse("standard output: %s", strerror(errno));
	return EXIT_DONE;
}

static void print_options(uint32_t options)
{
	puts("\noptions:");
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const char *argument = option_texts[i].argument;
		char text[40];

		if (!(options >> i & 1))
			continue;
		snprintf(text, sizeof text, "--%s %s", option_texts[i].name,
			 argument ? argument : "");
		printf("  %-20s %s\n", text, option_texts[i].meaning);
	}
}

/* Whether the command's first word, of two, is `group`. */
static bool in_group(const struct command *command, const char *group)
{
	size_t size = strlen(group);

	return strncmp(command->name, group, size) == 0 && command->name[size] == ' ';
}

/* Of all commands, or of those in `group` if there are any. */
static int print_help(const char *group)
{
	bool all = true;

	for (unsigned i = 0; group && i < COMMANDS; i++)
		all = all && !in_group(&commands[i], group);
	printf("usage: sluice %s%sCOMMAND [OPTIONS]\n\ncommands:\n", all ? "" : group,
	       all ? "" : " ");
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (all || in_group(&commands[i], group))
			printf("  %-14s %s\n", commands[i].name, commands[i].summary);
	}
	print_options(EVERYWHERE);
	puts("\nsluice COMMAND --help says more; so does sluice(1).");
	return finish_output();
}

static int print_command_help(const struct command *command)
{
	printf("usage: sluice %s%s [OPTIONS]\n\n%s\n", command->name, command->usage,
	       command->summary);
	print_options(EVERYWHERE | command->options);
	return finish_output();
}

/* Fill in cli->option; what is left in argv, in order, are command and operands. */
static int read_options(struct cli *cli, int argc, char **argv)
{
	struct option known[OPTION_COUNT + 1] = {0};
	int i;

	for (i = 0; i < OPTION_COUNT; i++)
		known[i] = (struct option){
			option_texts[i].name,
			option_texts[i].argument ? required_argument : no_argument, NULL, i};
	opterr = 0;
	while ((i = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		if (i == ':')
			return refuse_usage("%s needs an argument", argv[optind - 1]);
		if (i == '?' && optopt >= ' ')
			return refuse_usage("-%c: no such option", optopt);
		if (i == '?')
			return refuse_usage("%s: no such option", argv[optind - 1]);
		if (cli->option[i])
			return refuse_usage("--%s is given twice", option_texts[i].name);
		cli->option[i] = optarg ? optarg : "";
	}
	cli->operands = argv + optind;
	cli->count = argc - optind;
	return EXIT_DONE;
}

/* How many of the operands are this command's name; 0: it is another's. */
static int name_words(const struct command *command, const struct cli *cli)
{
	const char *space = strchr(command->name, ' ');
	size_t first = space ? (size_t)(space - command->name) : strlen(command->name);

	if (cli->count < 1 || strlen(cli->operands[0]) != first ||
	    strncmp(cli->operands[0], command->name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return cli->count > 1 && strcmp(cli->operands[1], space + 1) == 0 ? 2 : 0;
}

/* Take the command's name off the operands. NULL: there is no such command. */
static const struct command *find_command(struct cli *cli)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		int words = name_words(&commands[i], cli);

		if (words > 0) {
			cli->operands += words;
			cli->count -= words;
			return &commands[i];
		}
	}
	return NULL;
}

static int run_command(const struct command *command, const struct cli *cli)
{
	if (cli->option[OPTION_HELP])
		return print_command_help(command);
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		if (cli->option[i] && !((EVERYWHERE | command->options) >> i & 1))
			return refuse_usage("%s takes no --%s", command->name,
					    option_texts[i].name);
	}
	if (cli->count < command->least || cli->count > command->most)
		return refuse_usage("usage: sluice %s%s [OPTIONS]", command->name, command->usage);
	return command->run(cli);
}

int main(int argc, char **argv)
{
	struct cli cli = {.count = 0};
	const struct command *command;
	int status = read_options(&cli, argc, argv);

	if (status != EXIT_DONE)
		return status;
	if (cli.option[OPTION_VERSION]) {
		puts("sluice " SLUICE_VERSION);
		return finish_output();
	}
	command = find_command(&cli);
	if (command)
		return run_command(command, &cli);
	if (cli.option[OPTION_HELP])
		return print_help(cli.operands[0]);
	if (cli.count == 0)
		return refuse_usage("which command? sluice --help lists them");
	return refuse_usage("%s%s%s: no such command; sluice --help lists them", cli.operands[0],
			    cli.count > 1 ? " " : "", cli.count > 1 ? cli.operands[1] : "");
}
