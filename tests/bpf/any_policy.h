/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies that use everything, at random: guards, sets with expiries, groups of origins,
 * services, shares and limits of all levels.
 */
#pragma once

#include "policies.h"

#include <arpa/inet.h>
#include <stdarg.h>

struct any_text {
	bool timeless; /* without what a clock decides: limits and expiries */
	size_t size;
	char text[1 << 16];
};

__attribute__((format(printf, 2, 3))) static inline void any_say(struct any_text *text,
								 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text->size += (size_t)vsnprintf(text->text + text->size, sizeof text->text - text->size,
					format, arguments);
	va_end(arguments);
}

/* One of several words. */
#define ANY(...)                                                                                   \
	(((const char *const[]){__VA_ARGS__})[random_below(                                        \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))])

static inline void any_say_prefix(struct any_text *text, struct prefix prefix)
{
	char name[INET6_ADDRSTRLEN];
	uint64_t words[2] = {__builtin_bswap64(prefix.address.hi),
			     __builtin_bswap64(prefix.address.lo)};
	uint32_t ip4 = __builtin_bswap32((uint32_t)prefix.address.lo);

	if (prefix.ip6)
		inet_ntop(AF_INET6, words, name, sizeof name);
	else
		inet_ntop(AF_INET, &ip4, name, sizeof name);
	any_say(text, "%s/%u", name, prefix.length);
}

/* What comes before and after a prefix in a list; a name that ends in '%' stands for its time. */
enum any_list { ANY_PLAIN, ANY_TERMS, ANY_ENTRIES };

/* A list of prefixes, all different and none of them everything. */
static inline void any_say_prefixes(struct any_text *text, enum any_list list, uint32_t most,
				    uint64_t now_ns)
{
	struct prefix listed[64];
	uint32_t count = 0;

	for (uint32_t tries = random_below(most); tries > 0; tries--) {
		struct prefix prefix = random_prefix();
		bool skip = prefix.length < (random_below(4) ? 16 : 3);

		for (uint32_t i = 0; i < count; i++)
			skip |= memcmp(&listed[i], &prefix, sizeof prefix) == 0;
		if (skip)
			continue;
		listed[count++] = prefix;
		any_say(text, "%s", count > 1 ? "," : "");
		if (list == ANY_ENTRIES)
			any_say(text, "{'prefix':");
		any_say(text, list == ANY_TERMS ? "'prefix:" : "'");
		any_say_prefix(text, prefix);
		any_say(text, "'");
		if (list == ANY_ENTRIES && !text->timeless && random_below(2))
			any_say(text, ",'expires':'1970-01-01T00:00:%02u.%09uZ'",
				(unsigned)(now_ns / 1000000000), (unsigned)(now_ns % 1000000000));
		if (list == ANY_ENTRIES)
			any_say(text, "}");
		now_ns += random_below(1000000);
	}
}

/* Of all magnitudes below 2^bits. */
static inline uint32_t any_size(uint32_t bits)
{
	return 1 + random_below(UINT32_C(1) << random_below(bits));
}

static inline void any_say_rate(struct any_text *text, const char *name)
{
	uint32_t which = random_below(3);

	any_say(text, "'%s':{", name);
	if (which != 0)
		any_say(text, "'pps':%u,'burst':%u%s", any_size(20), any_size(6),
			which == 2 ? "," : "");
	if (which != 1)
		any_say(text, "'bps':%u", 10000 + any_size(30));
	any_say(text, "}");
}

static inline void any_say_rule(struct any_text *text, unsigned number)
{
	bool diverts = random_below(3) == 0;

	any_say(text, "%s{'name':'rule%u'", number ? "," : "", number);
	if (diverts || random_below(2))
		any_say(text, ",'service':'%s'", diverts ? "web" : ANY("web", "dns", "part"));
	if (random_below(3))
		any_say(text, ",'origin':'%s'", ANY("low", "high", "rest"));
	any_say(text, ",'admit':'%u.%02u%%'", random_below(100), random_below(100));
	any_say(text, ",'%s':'%s'", diverts ? "else" : "scope",
		diverts ? "divert" : ANY("all", "new"));
	if (!text->timeless && random_below(3)) {
		any_say(text, ",'limit':{");
		any_say_rate(text, "source");
		if (random_below(2)) {
			any_say(text, ",");
			any_say_rate(text, "rule");
		}
		any_say(text, "}");
	}
	any_say(text, "}");
}

/* Write a policy in force at `now_ns`; it may be one that the compiler refuses. */
static inline void any_say_policy(struct any_text *text, uint64_t now_ns)
{
	text->size = 0;
	any_say(text,
		"{'schema':1,'malformed':'%s','link':'%s','default':'%s','guard':{'sources':[",
		ANY("pass", "drop"), ANY("pass", "arp"), ANY("pass", "drop"));
	any_say_prefixes(text, ANY_PLAIN, 4, 0);
	any_say(text, "],'destinations':[");
	any_say_prefixes(text, ANY_PLAIN, 4, 0);
	any_say(text, "],'ports':[%s]},'sets':{'a':{'verdict':'allow','entries':[",
		ANY("", "{'proto':'tcp','port':179}", "{'proto':'udp','port':53}"));
	any_say_prefixes(text, ANY_ENTRIES, 40, now_ns);
	any_say(text, "]},'b':{'verdict':'block','entries':[");
	any_say_prefixes(text, ANY_ENTRIES, 40, now_ns);
	any_say(text, "]}},'origins':{'feeds':[],'groups':{'low':['prefix:0.0.0.0/2'");
	any_say(text, ",'prefix:::/1'],'high':['unmapped',");
	any_say_prefixes(text, ANY_TERMS, 20, 0);
	any_say(text, "%s'!group:low'],'rest':['any']}},",
		text->text[text->size - 1] == ',' ? "" : ",");
	any_say(text, "'fallbacks':{'lite':{'mac':'02:00:00:00:0f:01'}},'services':{"
		      "'web':{'proto':'tcp','ports':[80,443],'fallback':'lite'},"
		      "'dns':{'proto':'udp','ports':[53]},'part':{'destinations':[");
	any_say_prefixes(text, ANY_PLAIN, 20, 0);
	if (text->text[text->size - 1] == '[')
		any_say(text, "'198.18.0.0/16'");
	any_say(text, "]}},'rules':[");
	for (unsigned i = 0, count = 1 + random_below(5); i < count; i++)
		any_say_rule(text, i);
	any_say(text, "]");
	if (!text->timeless && random_below(2)) {
		any_say(text, ",");
		any_say_rate(text, "host");
	}
	any_say(text, "}");
	for (char *quote = text->text; (quote = strchr(quote, '\''));)
		*quote = '"';
}

/* Write, compile and open one, trying until one compiles; rules have their slots. */
static inline void any_make(struct made *made, struct any_text *text, uint64_t now_ns)
{
	struct feed_paths paths = {0};
	struct error error = {0};

	/* Some have a rule that others cover, and what else nobody would write. */
	for (unsigned tries = 0; tries < 1000; tries++) {
		any_say_policy(text, now_ns);
		*made = (struct made){0};
		if (policy_parse(text->text, text->size, 0, &made->policy, &error) == 0) {
			made->policy->has_salt = true;
			if (made_compile(made, &paths, &error) == 0)
				break;
		}
		made_free(made);
		*made = (struct made){0};
	}
	if (!made->policy)
		abort();
	for (uint16_t i = 0; i < made->image.rule_count; i++)
		made->image.rules[i].slot = i;
}
