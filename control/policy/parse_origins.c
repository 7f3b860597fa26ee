/* SPDX-License-Identifier: BSD-3-Clause */
/* Where sources are from: feeds, and groups of origins, which may name one another. */
#include "policy/parse.h"
#include "policy/text.h"

#include <string.h>

static int feed_type(struct parse *parse, const struct node *node, void *out)
{
	static const char *const words[] = {[FEED_LIBLOC] = "libloc", [FEED_CSV] = "csv"};
	struct feed_params *feed = out;
	unsigned word;

	if (parse_word(parse, node, words, COUNT(words), &word))
		return -1;
	feed->type = (enum feed_type)word;
	return 0;
}

static int feed_file(struct parse *parse, const struct node *node, void *out)
{
	struct feed_params *feed = out;
	const char *text;

	if (feed->type != FEED_CSV)
		return node_error(parse, node, ERROR_INVALID, "is for csv feeds");
	if (parse_string(parse, node, &text))
		return -1;
	if (!text_is_name(text))
		return node_error(parse, node, ERROR_INVALID,
				  "must be a bare file name of letters, digits, '.', '_' or '-' "
				  "that begins with a letter or digit");
	return parse_copy(parse, node, text, &feed->file);
}

static bool feed_same(const struct feed_params *a, const struct feed_params *b)
{
	return a->type == b->type && (!a->file || strcmp(a->file, b->file) == 0);
}

static int read_feed(struct parse *parse, const struct node *node, const struct feed_params *feeds,
		     struct feed_params *feed)
{
	static const struct field fields[] = {
		{"type", feed_type, true},
		{"file", feed_file, false},
	};
	struct node file = node_member(node, "file");

	if (parse_fields(parse, node, fields, COUNT(fields), feed))
		return -1;
	if (feed->type == FEED_CSV && !feed->file)
		return node_error(parse, &file, ERROR_INVALID, "is missing");
	for (const struct feed_params *earlier = feeds; earlier < feed; earlier++) {
		if (feed_same(earlier, feed))
			return node_error(parse, node, ERROR_INVALID, "is in the list already");
	}
	return 0;
}

static int origins_feeds(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;
	size_t count;

	if (parse_many(parse, node, JSON_ARRAY, CAP_FEEDS, &count))
		return -1;
	policy->has_feeds = true;
	policy->feeds = parse_alloc(parse, node, count, sizeof *policy->feeds);
	if (!policy->feeds)
		return -1;
	while (policy->feed_count < count) {
		struct node child = node_element(node, policy->feed_count);
		struct feed_params *feed = &policy->feeds[policy->feed_count++];

		if (read_feed(parse, &child, policy->feeds, feed))
			return -1;
	}
	return 0;
}

static int term_country(struct parse *parse, const struct node *node, const char *text,
			struct term *term)
{
	if (!text_is_country(text))
		return node_error(parse, node, ERROR_INVALID,
				  "must name a country by two capital letters or digits");
	term->type = TERM_COUNTRY;
	memcpy(term->country, text, sizeof term->country);
	return 0;
}

static int term_asn(struct parse *parse, const struct node *node, const char *text,
		    struct term *term)
{
	uint64_t asn;

	if (strspn(text, "0123456789") != strlen(text) || text_quantity(text, &asn) || asn == 0 ||
	    asn > UINT32_MAX)
		return node_error(parse, node, ERROR_INVALID,
				  "must name an AS by a number from 1 to 4294967295");
	term->type = TERM_ASN;
	term->asn = (uint32_t)asn;
	return 0;
}

static int term_prefix(struct parse *parse, const struct node *node, const char *text,
		       struct term *term)
{
	const char *why;

	if (prefix_parse(text, &term->prefix, &why))
		return node_error(parse, node, ERROR_INVALID, "%s", why);
	term->type = TERM_PREFIX;
	return 0;
}

static bool skip(const char **text, const char *head)
{
	size_t size = strlen(head);

	if (strncmp(*text, head, size) != 0)
		return false;
	*text += size;
	return true;
}

static int read_term(struct parse *parse, const struct node *node, struct term *term)
{
	const char *text;

	if (parse_string(parse, node, &text))
		return -1;
	term->negative = skip(&text, "!");
	if (skip(&text, "country:"))
		return term_country(parse, node, text, term);
	if (skip(&text, "asn:"))
		return term_asn(parse, node, text, term);
	if (skip(&text, "prefix:"))
		return term_prefix(parse, node, text, term);
	if (skip(&text, "group:")) {
		term->type = TERM_GROUP;
		return parse_find(parse, node, NAME_GROUP, text, &term->group);
	}
	term->type = strcmp(text, "any") == 0 ? TERM_ANY : TERM_UNMAPPED;
	if (term->type == TERM_UNMAPPED && strcmp(text, "unmapped") != 0)
		return node_error(parse, node, ERROR_INVALID,
				  "must be country:XX, asn:N, prefix:P, group:NAME, unmapped or "
				  "any, after a '!' or not");
	return 0;
}

static int read_terms(struct parse *parse, const struct node *node, struct group_params *group)
{
	size_t count;

	if (parse_many(parse, node, JSON_ARRAY, SIZE_MAX, &count))
		return -1;
	if (count > CAP_TERMS - parse->terms)
		return node_error(parse, node, ERROR_CAPACITY,
				  "makes more than %d terms of all groups", CAP_TERMS);
	parse->terms += count;
	group->terms = parse_alloc(parse, node, count, sizeof *group->terms);
	if (!group->terms)
		return -1;
	for (; group->count < count; group->count++) {
		struct node child = node_element(node, group->count);

		if (read_term(parse, &child, &group->terms[group->count]))
			return -1;
	}
	return 0;
}

/* How far the walk along group terms has come with a group. */
enum visit { VISIT_NOT, VISIT_OPEN, VISIT_DONE };

/* Follow the groups that group `index` names; one that is still open closes a cycle. */
static int refuse_cycle(struct parse *parse, const struct node *groups, size_t index,
			uint8_t *visits)
{
	const struct group_params *group = &parse->policy->groups[index];
	struct node node = node_member(groups, group->name);

	visits[index] = VISIT_OPEN;
	for (size_t i = 0; i < group->count; i++) {
		uint16_t next = group->terms[i].group;
		struct node child = node_element(&node, i);

		if (group->terms[i].type != TERM_GROUP || visits[next] == VISIT_DONE)
			continue;
		if (visits[next] == VISIT_OPEN)
			return node_error(parse, &child, ERROR_INVALID, "closes a cycle of groups");
		if (refuse_cycle(parse, groups, next, visits))
			return -1;
	}
	visits[index] = VISIT_DONE;
	return 0;
}

static int refuse_cycles(struct parse *parse, const struct node *groups)
{
	uint8_t visits[CAP_GROUPS] = {VISIT_NOT};

	for (size_t i = 0; i < parse->policy->group_count; i++) {
		if (visits[i] == VISIT_NOT && refuse_cycle(parse, groups, i, visits))
			return -1;
	}
	return 0;
}

static int origins_groups(struct parse *parse, const struct node *node, void *out)
{
	struct policy *policy = out;
	const char *name;
	json_t *value;
	size_t count;

	if (parse_many(parse, node, JSON_OBJECT, CAP_GROUPS, &count))
		return -1;
	policy->groups = parse_alloc(parse, node, count, sizeof *policy->groups);
	if (!policy->groups)
		return -1;
	json_object_foreach (node->json, name, value) {
		struct node child = node_member(node, name);
		size_t index = policy->group_count++;

		if (parse_name(parse, &child, NAME_GROUP, name, index, &policy->groups[index].name))
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct node child = node_member(node, policy->groups[i].name);

		if (read_terms(parse, &child, &policy->groups[i]))
			return -1;
	}
	return refuse_cycles(parse, node);
}

int parse_origins(struct parse *parse, const struct node *node, void *out)
{
	static const struct field fields[] = {
		{"feeds", origins_feeds, false},
		{"groups", origins_groups, false},
	};

	return parse_fields(parse, node, fields, COUNT(fields), out);
}
