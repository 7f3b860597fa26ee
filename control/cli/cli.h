/* SPDX-License-Identifier: BSD-3-Clause */
/* What every command of sluice(1) shares: its options, and how it ends. */
#pragma once

#include "policy/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

/*        symbol         name             argument   what it means */
#define OPTIONS(X)                                                                                 \
	X(JSON, "json", NULL, "print JSON")                                                        \
	X(RUN, "run", "DIR", "folder of the daemon's socket")                                      \
	X(HELP, "help", NULL, "print this")                                                        \
	X(VERSION, "version", NULL, "print the version")                                           \
	X(REASON, "reason", "TXT", "why, for the audit log")                                       \
	X(IF_GENERATION, "if-generation", "N",                                                     \
	  "change nothing unless N is the current generation")                                     \
	X(TTL, "ttl", "TIME", "how long the entries last, such as 90s, 10m, 2h, 1d")               \
	X(ENTRIES, "file", "FILE", "read the prefixes from FILE, one a line")                      \
	X(EMPTY, "empty", NULL, "leave the set no entries")                                        \
	X(SOURCE, "source", "LIMIT", "limit of each source, such as 2000pps,burst=4000")           \
	X(NO_SOURCE, "no-source", NULL, "no limit of each source")                                 \
	X(RULE, "rule", "LIMIT", "limit of all the rule admits, such as 8Gbps")                    \
	X(NO_RULE, "no-rule", NULL, "no limit of all the rule admits")                             \
	X(POLICY, "policy", "FILE", "decide by this document, without the daemon")                 \
	X(PCAP, "pcap", "FILE", "the capture, of Ethernet frames")                                 \
	X(LIBLOC, "libloc", "FILE", "location database, if not the system's")

enum cli_option {
#define X(symbol, name, argument, meaning) OPTION_##symbol,
	OPTIONS(X)
#undef X
		OPTION_COUNT
};

/* A command line, taken apart. */
struct cli {
	const char *option[OPTION_COUNT]; /* its argument, "" if it takes none; NULL: not given */
	char **operands;                  /* NULL-terminated */
	int count;                        /* of operands */
};

#define RUN_FOLDER "/run/sluice"

/* Say on stderr what went wrong, after "sluice: "; EXIT_REFUSED, for the command to return. */
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an error from elsewhere; `file` (or NULL) is the document it was found in. */
int refuse_error(const char *file, const struct error *error);

/* The same for a command line that makes no sense; EXIT_USAGE. */
int refuse_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* EXIT_DONE once everything has reached standard output, or the refusal that says it did not. */
int finish_output(void);

/* The commands. */
int command_status(const struct cli *cli);
int command_policy_show(const struct cli *cli);
int command_policy_check(const struct cli *cli);
int command_policy_apply(const struct cli *cli);
int command_admit(const struct cli *cli);
int command_limit(const struct cli *cli);
int command_block(const struct cli *cli);
int command_unblock(const struct cli *cli);
int command_set_add(const struct cli *cli);
int command_set_remove(const struct cli *cli);
int command_set_replace(const struct cli *cli);
int command_set_list(const struct cli *cli);
int command_explain(const struct cli *cli);
int command_replay(const struct cli *cli);
int command_attach(const struct cli *cli);
int command_detach(const struct cli *cli);
