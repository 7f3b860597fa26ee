/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice of a rule. See choice.h. */
#include "compile/choice.h"

#include <stdlib.h>
#include <string.h>

/* The image's origins come first in a row of the membership; phantoms choose nothing. */
static uint32_t origin_words(const struct membership *membership)
{
	return (membership->origins + 63) / 64;
}

/* Give what is undecided in a row, and the rule is about, to the rule. Whether anything is left. */
static bool choose(const struct membership *membership, const struct rule_params *rule,
		   uint16_t index, uint64_t *undecided, uint16_t *row)
{
	uint64_t left = 0;

	for (uint32_t word = 0; word < origin_words(membership); word++) {
		uint64_t chosen = undecided[word] & membership_word(membership, rule, word);

		undecided[word] &= ~chosen;
		left |= undecided[word];
		for (; chosen; chosen &= chosen - 1)
			row[64 * word + (uint32_t)__builtin_ctzll(chosen)] = index;
	}
	return left != 0;
}

/* The first of the rules that name `service`, or that name none if it is NONE. */
static void choose_row(const struct policy *policy, const struct membership *membership,
		       uint16_t service, uint64_t *undecided, uint16_t *row)
{
	bool left = true;

	memset(undecided, 0, origin_words(membership) * sizeof *undecided);
	for (uint32_t i = 0; i < membership->origins; i++) {
		undecided[i / 64] |= UINT64_C(1) << i % 64;
		row[i] = NONE;
	}
	for (size_t i = 0; left && i < policy->rule_count; i++) {
		const struct rule_params *rule = &policy->rules[i];

		if (rule->service == service)
			left = choose(membership, rule, (uint16_t)i, undecided, row);
	}
}

/* Of two rules the earlier one decides; NONE is later than any. */
static void take_earlier(const uint16_t *other, uint32_t origins, uint16_t *row)
{
	for (uint32_t i = 0; i < origins; i++)
		row[i] = other[i] < row[i] ? other[i] : row[i];
}

/* Rules that name no service are gone through once, not for each service again. */
static void choose_rows(const struct policy *policy, const struct membership *membership,
			uint64_t *undecided, uint16_t *choice)
{
	uint16_t *of_none = &choice[policy->service_count * membership->origins];

	choose_row(policy, membership, NONE, undecided, of_none);
	for (size_t i = 0; i < policy->service_count; i++) {
		uint16_t *row = &choice[i * membership->origins];

		choose_row(policy, membership, (uint16_t)i, undecided, row);
		take_earlier(of_none, membership->origins, row);
	}
}

uint16_t *choice_new(const struct policy *policy, const struct membership *membership)
{
	size_t rows = policy->service_count + 1;
	uint16_t *choice = reallocarray(NULL, rows * membership->origins, sizeof *choice);
	uint64_t *undecided = calloc(membership->words, sizeof *undecided);

	if (choice && undecided) {
		choose_rows(policy, membership, undecided, choice);
	} else {
		free(choice);
		choice = NULL;
	}
	free(undecided);
	return choice;
}
