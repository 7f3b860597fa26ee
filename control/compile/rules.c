/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT_RULES and SEGMENT_DOCUMENT: what a policy says, number by number and word by word. */
#include "compile/segments.h"

#include "compile/memory.h"
#include "compile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool id_taken(const struct rule *rules, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (rules[i].id == id)
			return true;
	}
	return id == 0;
}

/* From the name alone, so that a rule keeps its buckets through any change around it. */
static uint32_t rule_id(const struct rule *earlier, size_t count, const char *name)
{
	uint32_t id = (uint32_t)image_hash(name, strlen(name));

	while (id_taken(earlier, count, id))
		id++;
	return id;
}

static int fill_rules(const struct policy *policy, struct rule *rules, struct names *names)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule_params *params = &policy->rules[i];

		rules[i] = (struct rule){
			.admit = ((uint64_t)params->admit_bp << 32) / 10000,
			.id = rule_id(rules, i, params->name),
			.scope = params->scope,
			.otherwise = params->otherwise,
			.admit_bp = params->admit_bp,
			.source = profile_limit(&params->source),
			.total = profile_limit(&params->total),
		};
		if (names_add(names, params->name, &rules[i].name) != 0)
			return -ENOMEM;
	}
	return 0;
}

static struct segment *write_rules(const struct policy *policy, const struct rule *rules,
				   const struct names *names)
{
	struct writer writer = {.kind = SEGMENT_RULES};
	struct settings settings = {
		.malformed = policy->malformed,
		.other = policy->link_other,
		.unmatched = policy->unmatched,
		.host = profile_limit(&policy->host),
	};

	memcpy(settings.salt, policy->salt, sizeof settings.salt);
	writer_array(&writer, RULES_SETTINGS, &settings, 1);
	writer_array(&writer, RULES_RULES, rules, policy->rule_count);
	writer_array(&writer, RULES_NAMES, names->text, names->size);
	return writer_segment(&writer);
}

int rules_compile(const struct policy *policy, struct segment **segment, struct error *error)
{
	struct rule *rules = calloc(policy->rule_count + 1, sizeof *rules);
	struct names names = {0};
	struct segment *written = NULL;

	if (rules && fill_rules(policy, rules, &names) == 0)
		written = write_rules(policy, rules, &names);
	free(rules);
	free(names.text);
	if (!written)
		return no_memory(error);
	*segment = written;
	return 0;
}

int document_compile(const json_t *document, struct segment **segment, struct error *error)
{
	struct writer writer = {.kind = SEGMENT_DOCUMENT};
	char *text = json_dumps(document, JSON_COMPACT);
	struct segment *written = NULL;

	if (text) {
		writer_array(&writer, DOCUMENT_TEXT, text, strlen(text));
		written = writer_segment(&writer);
		free(text);
	}
	if (!written)
		return no_memory(error);
	*segment = written;
	return 0;
}
