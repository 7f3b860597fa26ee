/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every way a packet can end, named once. The enum, the counters, the command line's
 * words and the manual's table all come from these lists.
 */
#pragma once

/* clang-format off */
/*        symbol         word            what it means */
#define REASONS(X)                                                                       \
	X(MALFORMED,    "malformed",    "breaks the rules of its own headers")           \
	X(LINK,         "link",         "not IP, or IPv6 neighbour discovery")           \
	X(GUARD,        "guard",        "source, destination or port the policy guards") \
	X(BLOCKED,      "blocked",      "source is in a block set")                      \
	X(ALLOWED,      "allowed",      "source is in an allow set")                     \
	X(DEFAULT,      "default",      "no rule matches")                               \
	X(SHED,         "shed",         "its rule does not admit this source")           \
	X(SOURCE_LIMIT, "source-limit", "the source's bucket is empty")                  \
	X(RULE_LIMIT,   "rule-limit",   "the rule's bucket is empty")                    \
	X(HOST_LIMIT,   "host-limit",   "the host's bucket is empty")                    \
	X(ADMITTED,     "admitted",     "its rule admits it and every bucket had room")

#define VERDICTS(X)                                                                      \
	X(PASS,   "pass",   "goes to the server")                                        \
	X(DROP,   "drop",   "goes nowhere")                                              \
	X(DIVERT, "divert", "goes to the service's fallback")
enum reason {
#define X(symbol, word, meaning) REASON_##symbol,
	REASONS(X)
#undef X
	REASON_COUNT
};

enum verdict {
#define X(symbol, word, meaning) VERDICT_##symbol,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};

/* clang-format on */

/* The word for a reason or verdict below its COUNT; static storage. */
static inline const char *reason_word(enum reason reason)
{
	static const char *const words[] = {
#define X(symbol, word, meaning) word,
		REASONS(X)
#undef X
	};
	return words[reason];
}

static inline const char *verdict_word(enum verdict verdict)
{
	static const char *const words[] = {
#define X(symbol, word, meaning) word,
		VERDICTS(X)
#undef X
	};
	return words[verdict];
}
