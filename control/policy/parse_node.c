/* SPDX-License-Identifier: BSD-3-Clause */
/* What all sections need: places and their errors, fields, types, lists and names. */
#include "policy/parse.h"
#include "policy/path.h"
#include "policy/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node node_member(const struct node *object, const char *key)
{
	return (struct node){json_object_get(object->json, key), object, key, 0};
}

struct node node_element(const struct node *array, size_t index)
{
	return (struct node){json_array_get(array->json, index), array, NULL, index};
}

static struct path node_path(const struct node *node)
{
	struct path path = {0};

	if (!node->parent) {
		snprintf(path.text, sizeof path.text, "%s", node->key);
		return path;
	}
	path = node_path(node->parent);
	if (node->key)
		path_key(&path, node->key, strlen(node->key));
	else
		path_index(&path, node->index);
	return path;
}

int node_error(struct parse *parse, const struct node *node, enum error_code code,
	       const char *format, ...)
{
	struct path path = node_path(node);
	char message[sizeof parse->error->message];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	return error_set(parse->error, code, path.text, "%s", message);
}

static const struct field *field_find(const struct field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	}
	return NULL;
}

int parse_fields(struct parse *parse, const struct node *node, const struct field *fields,
		 size_t count, void *out)
{
	const char *key;
	json_t *value;

	if (!json_is_object(node->json))
		return node_error(parse, node, ERROR_INVALID, "must be an object");
	json_object_foreach (node->json, key, value) {
		struct node child = node_member(node, key);

		if (!field_find(fields, count, key))
			return node_error(parse, &child, ERROR_UNKNOWN_FIELD,
					  "is not a known field");
	}
	for (size_t i = 0; i < count; i++) {
		struct node child = node_member(node, fields[i].key);

		if (child.json && fields[i].read(parse, &child, out))
			return -1;
		if (!child.json && fields[i].required)
			return node_error(parse, &child, ERROR_INVALID, "is missing");
	}
	return 0;
}

int parse_string(struct parse *parse, const struct node *node, const char **text)
{
	if (!json_is_string(node->json))
		return node_error(parse, node, ERROR_INVALID, "must be a string");
	*text = json_string_value(node->json);
	return 0;
}

int parse_integer(struct parse *parse, const struct node *node, uint64_t lowest, uint64_t highest,
		  uint64_t *value)
{
	json_int_t integer = json_integer_value(node->json);

	if (!json_is_integer(node->json) || integer < 0 || (uint64_t)integer < lowest ||
	    (uint64_t)integer > highest)
		return node_error(parse, node, ERROR_INVALID,
				  "must be a whole number from %ju to %ju", (uintmax_t)lowest,
				  (uintmax_t)highest);
	*value = (uint64_t)integer;
	return 0;
}

int parse_word(struct parse *parse, const struct node *node, const char *const *words, size_t count,
	       unsigned *index)
{
	const char *text = json_string_value(node->json);
	char list[128] = "";

	for (unsigned i = 0; i < count; i++) {
		size_t used = strlen(list);

		if (text && strcmp(text, words[i]) == 0) {
			*index = i;
			return 0;
		}
		snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? " or " : "", words[i]);
	}
	return node_error(parse, node, ERROR_INVALID, "must be %s", list);
}

int parse_many(struct parse *parse, const struct node *node, json_type type, size_t cap,
	       size_t *count)
{
	size_t size;

	if (!node->json || json_typeof(node->json) != type)
		return node_error(parse, node, ERROR_INVALID, "must be an %s",
				  type == JSON_ARRAY ? "array" : "object");
	size = type == JSON_ARRAY ? json_array_size(node->json) : json_object_size(node->json);
	if (size > cap)
		return node_error(parse, node, ERROR_CAPACITY, "has %zu elements, of at most %zu",
				  size, cap);
	*count = size;
	return 0;
}

int parse_no_memory(struct parse *parse, const struct node *node)
{
	return node_error(parse, node, ERROR_CAPACITY, "does not fit into memory");
}

void *parse_alloc(struct parse *parse, const struct node *node, size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		parse_no_memory(parse, node);
	return memory;
}

int parse_copy(struct parse *parse, const struct node *node, const char *text, char **own)
{
	*own = strdup(text);
	return *own ? 0 : parse_no_memory(parse, node);
}

int parse_name(struct parse *parse, const struct node *node, enum name_kind kind, const char *name,
	       size_t index, char **own)
{
	if (!text_is_name(name))
		return node_error(parse, node, ERROR_INVALID,
				  "is not a name of 1 to %d letters, digits, '.', '_' or '-' "
				  "that begins with a letter or digit",
				  CAP_NAME);
	if (json_object_get(parse->names[kind], name))
		return node_error(parse, node, ERROR_INVALID, "is the name of an earlier one");
	if (json_object_set_new(parse->names[kind], name, json_integer((json_int_t)index)))
		return parse_no_memory(parse, node);
	return parse_copy(parse, node, name, own);
}

int parse_find(struct parse *parse, const struct node *node, enum name_kind kind, const char *name,
	       uint16_t *index)
{
	static const char *const kinds[NAME_KINDS] = {
		[NAME_POLICY] = "policy", [NAME_FALLBACK] = "fallback", [NAME_SERVICE] = "service",
		[NAME_GROUP] = "group",   [NAME_RULE] = "rule",         [NAME_SET] = "set",
	};
	const json_t *found = json_object_get(parse->names[kind], name);

	if (!found)
		return node_error(parse, node, ERROR_INVALID, "names a %s that nothing defines",
				  kinds[kind]);
	*index = (uint16_t)json_integer_value(found);
	return 0;
}

int parse_reference(struct parse *parse, const struct node *node, enum name_kind kind,
		    uint16_t *index)
{
	const char *name;

	return parse_string(parse, node, &name) ? -1 : parse_find(parse, node, kind, name, index);
}
