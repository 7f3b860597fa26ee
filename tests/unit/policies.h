/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies for tests of the compiler: made from text, compiled, opened, thrown away. */
#pragma once

#include "compile/compile.h"
#include "lookup.h"
#include "random.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

/* Write a document with ' for ", which reads better inside C strings. */
static inline struct policy *policy_from(const char *text)
{
	char *document = strdup(text);
	struct policy *policy = NULL;
	struct error error = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(document);
	for (char *quote = document; (quote = strchr(quote, '\''));)
		*quote = '"';
	if (policy_parse(document, strlen(document), 0, &policy, &error) != 0)
		fprintf(stderr, "\n%s: %s\n", error.path, error.message);
	free(document);
	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	policy->has_salt = true;
	return policy;
}

/* A policy that compiled, and the image of it. */
struct made {
	struct policy *policy;
	struct compiled compiled;
	struct image image;
};

static inline int made_compile(struct made *made, const struct feed_paths *paths,
			       struct error *error)
{
	if (compile(made->policy, paths, NULL, &made->compiled, error) != 0)
		return -1;
	return compiled_open(&made->compiled, &made->image, error);
}

/* Compile and open a policy that has to; the policy is made's from here on. */
static inline void made_from(struct made *made, struct policy *policy)
{
	struct feed_paths paths = {0};
	struct error error = {0};
	int result;

	*made = (struct made){.policy = policy};
	result = made_compile(made, &paths, &error);
	if (result != 0)
		fprintf(stderr, "\n%s: %s\n", error.path, error.message);
	CU_ASSERT_EQUAL_FATAL(result, 0);
}

static inline void made_free(struct made *made)
{
	compiled_unref(&made->compiled);
	policy_free(made->policy);
}

/* Addresses crowd where prefixes are short of bits: few values in each byte. */
static inline struct address random_address(bool ip6)
{
	struct address address = {0, 0};

	if (ip6)
		address.hi = random_u64() & UINT64_C(0xc000000300000003);
	address.lo = random_u64() & (ip6 ? UINT64_C(0x8000000000000003) : UINT64_C(0xc0030003));
	return address;
}

static inline struct prefix random_prefix(void)
{
	struct prefix prefix = {.ip6 = random_u64() & 1};
	unsigned bits = prefix.ip6 ? 128 : 32;
	unsigned __int128 address, mask;

	prefix.address = random_address(prefix.ip6);
	prefix.length = (uint8_t)(random_below(3) ? random_below(bits + 1) : bits);
	address = (unsigned __int128)prefix.address.hi << 64 | prefix.address.lo;
	mask = bits == prefix.length ? 0 : ~(unsigned __int128)0 >> (128 - bits + prefix.length);
	address &= ~mask;
	prefix.address = (struct address){(uint64_t)(address >> 64), (uint64_t)address};
	return prefix;
}

static inline struct packet packet_from(bool ip6, struct address source)
{
	return (struct packet){.kind = ip6 ? PACKET_IP6 : PACKET_IP4, .source = source};
}
