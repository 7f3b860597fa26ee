/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets in: rules, and limits on what they let through. */
#include "policy/parse.h"
#include "policy/text.h"

/* A whole number from 1 to `cap`, or a string such as "12M". */
static int read_quantity(struct parse *parse, const struct node *node, uint64_t cap,
			 uint64_t *value)
{
	const char *text = json_string_value(node->json);
	uint64_t quantity = 0;
	bool readable;

	if (text) {
		readable = text_quantity(text, &quantity) == 0;
	} else {
		readable = json_is_integer(node->json) && json_integer_value(node->json) > 0;
		quantity = (uint64_t)json_integer_value(node->json);
	}
	if (!readable || quantity == 0)
		return node_error(parse, node, ERROR_INVALID,
				  "must be a whole number from 1 on, or one such as \"1.5M\"");
	if (quantity > cap)
		return node_error(parse, node, ERROR_CAPACITY,
				  "is more than %ju, the most there can be", (uintmax_t)cap);
	*value = quantity;
	return 0;
}

static int limit_pps(struct parse *parse, const struct node *node, void *out)
{
	struct rate_params *rate = out;

	return read_quantity(parse, node, CAP_PPS, &rate->pps);
}

static int limit_bps(struct parse *parse, const struct node *node, void *out)
{
	struct rate_params *rate = out;

	return read_quantity(parse, node, CAP_BPS, &rate->bps);
}

/* A burst at a slow rate could last longer than the buckets' clock counts. */
static int limit_burst(struct parse *parse, const struct node *node, void *out)
{
	struct rate_params *rate = out;
	uint64_t most = rate->pps ? rate->pps * CAP_BURST_S : rate->bps * CAP_BURST_S / 8;

	return read_quantity(parse, node, most ? most : UINT64_MAX, &rate->burst);
}

int parse_limit(struct parse *parse, const struct node *node, struct rate_params *rate)
{
	static const struct field fields[] = {
		{"pps", limit_pps, false},
		{"bps", limit_bps, false},
		{"burst", limit_burst, false},
	};

	if (parse_fields(parse, node, fields, COUNT(fields), rate))
		return -1;
	if (!rate->pps && !rate->bps)
		return node_error(parse, node, ERROR_INVALID, "needs pps, bps or both");
	return 0;
}

static int rule_limit_source(struct parse *parse, const struct node *node, void *out)
{
	struct rule_params *rule = out;

	return parse_limit(parse, node, &rule->source);
}

static int rule_limit_rule(struct parse *parse, const struct node *node, void *out)
{
	struct rule_params *rule = out;

	return parse_limit(parse, node, &rule->total);
}

static int rule_limit(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"source", rule_limit_source, false},
		{"rule", rule_limit_rule, false},
	};

	if (parse_fields(parse, node, fields, COUNT(fields), out))
		return -1;
	if (json_object_size(node->json) == 0)
		return node_error(parse, node, ERROR_INVALID, "needs source, rule or both");
	return 0;
}

static int rule_name(struct parse *parse, const struct node *node, void *out)
{
	struct rule_params *rule = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	return parse_name(parse, node, NAME_RULE, text, node->parent->index, &rule->name);
}

static int rule_service(struct parse *parse, const struct node *node, void *out)
{
	struct rule_params *rule = out;

	return parse_reference(parse, node, NAME_SERVICE, &rule->service);
}

static int rule_origin(struct parse *parse, const struct node *node, void *out)
{
	struct rule_params *rule = out;

	return parse_reference(parse, node, NAME_GROUP, &rule->origin);
}

static int rule_standing(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {"unmapped", "familiar", "unfamiliar"};
	struct rule_params *rule = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	if (word != 0)
		return node_error(parse, node, ERROR_INVALID,
				  "\"%s\" is refused until sources' standing is learned",
				  words[word]);
	rule->unmapped = true;
	return 0;
}

static int rule_admit(struct parse *parse, const struct node *node, void *out)
{
	struct rule_params *rule = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	if (text_percentage(text, &rule->admit_bp))
		return node_error(parse, node, ERROR_INVALID, TEXT_PERCENTAGE_WANTED);
	return 0;
}

static int rule_scope(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {[SCOPE_ALL] = "all", [SCOPE_NEW] = "new"};
	struct rule_params *rule = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	rule->scope = (uint8_t)word;
	return 0;
}

static int rule_else(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {"drop", "divert"};
	struct rule_params *rule = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	rule->otherwise = word == 0 ? VERDICT_DROP : VERDICT_DIVERT;
	if (rule->otherwise == VERDICT_DROP)
		return 0;
	if (rule->service == NONE)
		return node_error(parse, node, ERROR_INVALID,
				  "\"divert\" needs the rule to name a service");
	if (parse->policy->services[rule->service].fallback == NONE)
		return node_error(parse, node, ERROR_INVALID,
				  "\"divert\" needs a fallback, and service %s has none",
				  parse->policy->services[rule->service].name);
	if (rule->scope == SCOPE_NEW)
		return node_error(parse, node, ERROR_INVALID,
				  "\"divert\" with scope \"new\" is refused until connections can "
				  "be kept whole");
	return 0;
}

int parse_rules(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"name", rule_name, true},      {"service", rule_service, false},
		{"origin", rule_origin, false}, {"standing", rule_standing, false},
		{"admit", rule_admit, false},   {"scope", rule_scope, false},
		{"else", rule_else, false},     {"limit", rule_limit, false},
	};
	struct policy *policy = out;
	size_t count;

	if (parse_many(parse, node, JSON_ARRAY, CAP_RULES, &count))
		return -1;
	policy->rules = parse_alloc(parse, node, count, sizeof *policy->rules);
	if (!policy->rules)
		return -1;
	while (policy->rule_count < count) {
		struct node child = node_element(node, policy->rule_count);
		struct rule_params *rule = &policy->rules[policy->rule_count++];

		*rule = (struct rule_params){
			.service = NONE,
			.origin = NONE,
			.admit_bp = 10000,
			.otherwise = VERDICT_DROP,
		};
		if (parse_fields(parse, &child, fields, COUNT(fields), rule))
			return -1;
	}
	return 0;
}
