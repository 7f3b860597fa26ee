/* SPDX-License-Identifier: BSD-3-Clause */
/* The document as a whole, and the parts of it that requests take on their own. */
#include "policy/parse.h"
#include "policy/locate.h"
#include "policy/text.h"

#include <stdlib.h>
#include <string.h>

static int read_schema(struct parse *parse, const struct node *node, void *out)
{
	(void)out;
	if (!json_is_integer(node->json) || json_integer_value(node->json) != 1)
		return node_error(parse, node, ERROR_INVALID, "must be 1");
	return 0;
}

static int read_name(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	return parse_name(parse, node, NAME_POLICY, text, 0, &policy->name);
}

static int read_salt(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	if (text_salt(text, policy->salt))
		return node_error(parse, node, ERROR_INVALID, "must be 32 hexadecimal digits");
	policy->has_salt = true;
	return 0;
}

static int pass_or_drop(struct parse *parse, const struct node *node, const char *pass,
			const char *drop, uint8_t *verdict)
{
	const char *words[] = {pass, drop};
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	*verdict = word == 0 ? VERDICT_PASS : VERDICT_DROP;
	return 0;
}

static int read_malformed(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;

	return pass_or_drop(parse, node, "pass", "drop", &policy->malformed);
}

static int read_link(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;

	return pass_or_drop(parse, node, "pass", "arp", &policy->link_other);
}

static int read_default(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;

	return pass_or_drop(parse, node, "pass", "drop", &policy->unmatched);
}

static int read_host(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;

	return parse_limit(parse, node, &policy->host);
}

/* In this order, so that names are known where they are used. */
static const struct field sections[] = {
	{"schema", read_schema, true},       {"name", read_name, false},
	{"salt", read_salt, false},          {"malformed", read_malformed, false},
	{"link", read_link, false},          {"default", read_default, false},
	{"guard", parse_guard, false},       {"sets", parse_sets, false},
	{"origins", parse_origins, false},   {"fallbacks", parse_fallbacks, false},
	{"services", parse_services, false}, {"rules", parse_rules, false},
	{"host", read_host, false},
};

static int refuse_text(const char *text, size_t size, const json_error_t *why, struct error *error)
{
	size_t position = why->position > 0 ? (size_t)why->position : 0;
	struct path path = locate(text, position < size ? position : size);

	if (json_error_code(why) == json_error_duplicate_key)
		return error_set(error, ERROR_INVALID, path.text, "is given twice");
	return error_set(error, ERROR_INVALID, path.text, "is not JSON at line %d, column %d: %s",
			 why->line, why->column, why->text);
}

/* The document of a text, or NULL with *error naming the place as well as can be told. */
static json_t *load(const char *text, size_t size, struct error *error)
{
	const char *nul = memchr(text, '\0', size);
	json_error_t why;
	json_t *json;

	/* Jansson would read on as if it were not there. */
	if (nul) {
		error_set(error, ERROR_INVALID, locate(text, (size_t)(nul - text)).text,
			  "is not JSON: byte %zu is zero", (size_t)(nul - text));
		return NULL;
	}
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		refuse_text(text, size, &why, error);
	return json;
}

static int names_new(struct parse *parse)
{
	for (unsigned i = 0; i < NAME_KINDS; i++) {
		parse->names[i] = json_object();
		if (!parse->names[i])
			return error_set(parse->error, ERROR_CAPACITY, "",
					 "does not fit into memory");
	}
	return 0;
}

static void names_free(struct parse *parse)
{
	for (unsigned i = 0; i < NAME_KINDS; i++)
		json_decref(parse->names[i]);
}

static int read_document(json_t *json, uint64_t now_ns, struct policy *policy, struct error *error)
{
	struct parse parse = {.policy = policy, .error = error, .now_ns = now_ns};
	struct node root = {.json = json, .key = ""};
	int result;

	result =
		names_new(&parse) || parse_fields(&parse, &root, sections, COUNT(sections), policy);
	names_free(&parse);
	return result ? -1 : 0;
}

int policy_parse(const char *text, size_t size, uint64_t now_ns, struct policy **policy,
		 struct error *error)
{
	struct policy *parsed = calloc(1, sizeof *parsed);
	json_t *json;
	int result;

	*policy = NULL;
	if (!parsed)
		return error_set(error, ERROR_CAPACITY, "", "does not fit into memory");
	parsed->malformed = VERDICT_DROP;
	parsed->link_other = VERDICT_PASS;
	parsed->unmatched = VERDICT_PASS;
	json = load(text, size, error);
	result = json ? read_document(json, now_ns, parsed, error) : -1;
	json_decref(json);
	if (result)
		policy_free(parsed);
	else
		*policy = parsed;
	return result;
}

int policy_parse_percentage(const char *text, const char *path, uint16_t *admit_bp,
			    struct error *error)
{
	if (text_percentage(text, admit_bp))
		return error_set(error, ERROR_INVALID, path, TEXT_PERCENTAGE_WANTED);
	return 0;
}

int policy_parse_limit(const json_t *limit, const char *path, struct rate_params *rate,
		       struct error *error)
{
	struct parse parse = {.error = error};
	struct node root = {.json = (json_t *)limit, .key = path};
	struct rate_params parsed = {0};

	if (parse_limit(&parse, &root, &parsed))
		return -1;
	*rate = parsed;
	return 0;
}

int policy_parse_entry(const json_t *entry, const char *path, uint64_t now_ns,
		       struct entry_params *out, struct error *error)
{
	struct parse parse = {.error = error, .now_ns = now_ns};
	struct node root = {.json = (json_t *)entry, .key = path};
	struct entry_params parsed = {0};

	if (parse_entry(&parse, &root, &parsed)) {
		reason_unref(parsed.reason);
		return -1;
	}
	*out = parsed;
	return 0;
}
