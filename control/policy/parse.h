/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading the document: a node is a JSON value that knows its place, and each section's
 * reader takes one. Every reader returns 0, or -1 with the error set.
 */
#pragma once

#include "policy/policy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A value under `parent`: its member `key`, or its element `index` where key is NULL. */
struct node {
	json_t *json;
	const struct node *parent; /* NULL: the root, whose key is a whole path */
	const char *key;
	size_t index;
};

/* The kinds of things that have names, distinct within a kind. */
enum name_kind {
	NAME_POLICY,
	NAME_FALLBACK,
	NAME_SERVICE,
	NAME_GROUP,
	NAME_RULE,
	NAME_SET,
	NAME_KINDS
};

struct parse {
	struct policy *policy;
	struct error *error;
	uint64_t now_ns;           /* 0: no `ttl` */
	size_t entries;            /* of all sets so far */
	size_t destinations;       /* of all services */
	size_t terms;              /* of all groups */
	json_t *names[NAME_KINDS]; /* name to index */
};

typedef int field_reader(struct parse *parse, const struct node *node, void *out);

/* A key that an object may have. Readers run in the order of the table. */
struct field {
	const char *key;
	field_reader *read;
	bool required;
};

struct node node_member(const struct node *object, const char *key);
struct node node_element(const struct node *array, size_t index);

/* Set the error at the node; -1. */
int node_error(struct parse *parse, const struct node *node, enum error_code code,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

int parse_no_memory(struct parse *parse, const struct node *node);

/* Check that the node is an object of these fields and read each into `out`. */
int parse_fields(struct parse *parse, const struct node *node, const struct field *fields,
		 size_t count, void *out);

int parse_string(struct parse *parse, const struct node *node, const char **text);
int parse_integer(struct parse *parse, const struct node *node, uint64_t lowest, uint64_t highest,
		  uint64_t *value);

/* One of `count` words, whose index it is. */
int parse_word(struct parse *parse, const struct node *node, const char *const *words, size_t count,
	       unsigned *index);

/* Check that the node is an array or object (`type`) of at most `cap` elements. */
int parse_many(struct parse *parse, const struct node *node, json_type type, size_t cap,
	       size_t *count);

/* Zeroed memory for a list; NULL with the error set. */
void *parse_alloc(struct parse *parse, const struct node *node, size_t count, size_t size);

/* A copy of `text` in *own. */
int parse_copy(struct parse *parse, const struct node *node, const char *text, char **own);

/* Enter `name`, found at `node`, as number `index` of its kind and copy it to *own. */
int parse_name(struct parse *parse, const struct node *node, enum name_kind kind, const char *name,
	       size_t index, char **own);

/* The index of what `name`, found at the node, names. */
int parse_find(struct parse *parse, const struct node *node, enum name_kind kind, const char *name,
	       uint16_t *index);

/* The same where the node is the name. */
int parse_reference(struct parse *parse, const struct node *node, enum name_kind kind,
		    uint16_t *index);

int parse_prefix(struct parse *parse, const struct node *node, struct prefix *prefix);
int parse_prefixes(struct parse *parse, const struct node *node, size_t cap,
		   struct prefix_list *list);

int parse_limit(struct parse *parse, const struct node *node, struct rate_params *rate);
int parse_entry(struct parse *parse, const struct node *node, struct entry_params *entry);

/* The sections. */
field_reader parse_guard, parse_sets, parse_origins, parse_fallbacks, parse_services, parse_rules;
