/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT_ORIGINS. See origins.h. */
#include "compile/origins.h"

#include "compile/memory.h"

#include <errno.h>
#include <stdlib.h>

enum {
	PHANTOM_PAIRS = 16384, /* of a country and an AS; past that, each stands alone */
};

struct build {
	const struct policy *policy;
	struct feed_data *feeds;
	struct error *error;
	uint32_t *asns; /* that groups name, ascending */
	size_t asn_count;
	size_t country_count; /* terms, not countries */
	uint16_t *marks;      /* room for those of one prefix */
	struct classes classes;
	struct intern keys;
	struct table table[FAMILIES];
};

static int compare_asns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int collect_terms(struct build *build)
{
	const struct policy *policy = build->policy;
	size_t terms = 0;

	for (size_t i = 0; i < policy->group_count; i++)
		terms += policy->groups[i].count;
	build->asns = calloc(terms + 1, sizeof *build->asns);
	build->marks = calloc(terms + 1, sizeof *build->marks);
	if (!build->asns || !build->marks)
		return no_memory(build->error);
	for (size_t i = 0; i < policy->group_count; i++) {
		const struct group_params *group = &policy->groups[i];

		for (size_t j = 0; j < group->count; j++) {
			if (group->terms[j].type == TERM_ASN)
				build->asns[build->asn_count++] = group->terms[j].asn;
			build->country_count += group->terms[j].type == TERM_COUNTRY;
		}
	}
	qsort(build->asns, build->asn_count, sizeof *build->asns, compare_asns);
	return 0;
}

/* ASes that no group names fall together. */
static uint32_t told_apart(const struct build *build, uint32_t asn)
{
	bool named = build->asn_count &&
		     bsearch(&asn, build->asns, build->asn_count, sizeof asn, compare_asns);

	return named ? asn : 0;
}

/* Plant what a group's term says of a prefix among what the feeds say. */
static int plant_term(struct build *build, const struct prefix *prefix, uint16_t mark)
{
	struct forest *forest = &build->feeds->forest[prefix->ip6];

	if (forests_add(build->feeds->forest, prefix, mark) != 0)
		return no_memory(build->error);
	forest->nodes[forest->count - 1].kind = FEED_MARK;
	return 0;
}

static int plant_terms(struct build *build)
{
	const struct policy *policy = build->policy;

	for (size_t i = 0; i < policy->group_count; i++) {
		for (size_t j = 0; j < policy->groups[i].count; j++) {
			const struct term *term = &policy->groups[i].terms[j];
			uint16_t mark = origin_mark((uint16_t)i, term->negative);

			if (term->type == TERM_PREFIX &&
			    plant_term(build, &term->prefix, mark) != 0)
				return -1;
		}
	}
	return 0;
}

static int plant(struct build *build)
{
	if (plant_terms(build) != 0)
		return -1;
	return forests_link(build->feeds->forest) != 0 ? no_memory(build->error) : 0;
}

/* Intern what the run of equal prefixes [begin, end) says, within `outer`. */
static int key_run(struct build *build, const struct forest *forest, uint32_t begin, uint32_t end,
		   origin_key outer, uint32_t *origin)
{
	const struct forest_node *known = NULL;
	uint32_t marks = origin_marks(outer);
	size_t count = 0;
	int result = 0;

	for (uint32_t i = begin; i < end; i++) {
		if (forest->nodes[i].kind != FEED_MARK)
			known = &forest->nodes[i];
		else
			build->marks[count++] = (uint16_t)forest->nodes[i].item;
	}
	if (count)
		result = classes_add(&build->classes, marks, build->marks, count, &marks);
	if (result == -E2BIG)
		return error_set(build->error, ERROR_CAPACITY, "origins.groups",
				 "prefixes overlap in more than %d ways", CAP_CLASSES);
	outer = known ? origin_key_make(known->kind, told_apart(build, known->item), marks)
		      : origin_with_marks(outer, marks);
	if (result != 0 || intern_key(&build->keys, outer, origin) != 0)
		return no_memory(build->error);
	return 0;
}

static int key_forest(struct build *build, const struct forest *forest, uint32_t *origins)
{
	uint32_t end;

	for (uint32_t i = 0; i < forest->count; i = end) {
		uint32_t parent = forest->nodes[i].parent;
		origin_key outer = parent == FOREST_NONE ? 0 : build->keys.keys[origins[parent]];

		end = forest_run(forest, i);
		if (key_run(build, forest, i, end, outer, &origins[end - 1]) != 0)
			return -1;
	}
	return 0;
}

static int cut_family(struct build *build, unsigned family)
{
	const struct forest *forest = &build->feeds->forest[family];
	uint32_t *origins = calloc((size_t)forest->count + 1, sizeof *origins);
	int result;

	if (!origins)
		return no_memory(build->error);
	result = key_forest(build, forest, origins);
	if (result == 0 &&
	    table_build(forest, origins, ORIGIN_UNMAPPED, &build->table[family]) != 0)
		result = no_memory(build->error);
	free(origins);
	return result;
}

static int cut(struct build *build)
{
	if (intern_key(&build->keys, 0, &(uint32_t){0}) != 0)
		return no_memory(build->error);
	for (unsigned family = 0; family < FAMILIES; family++) {
		if (cut_family(build, family) != 0)
			return -1;
	}
	if (build->keys.count > CAP_ORIGINS)
		return error_set(build->error, ERROR_CAPACITY, "origins.groups",
				 "groups tell %u origins apart, more than %d", build->keys.count,
				 CAP_ORIGINS);
	return 0;
}

static struct segment *write_origins(const struct build *build)
{
	struct writer writer = {.kind = SEGMENT_ORIGINS};
	struct origin *origins = calloc(build->keys.count, sizeof *origins);
	struct segment *segment;

	if (!origins)
		return NULL;
	for (uint32_t i = 0; i < build->keys.count; i++)
		origins[i] = origin_of_key(build->keys.keys[i]);
	writer_tables(&writer, ORIGINS_INDEX4, build->table);
	writer_array(&writer, ORIGINS_ORIGINS, origins, build->keys.count);
	segment = writer_segment(&writer);
	free(origins);
	return segment;
}

/* A country or an AS that the policy mentions; each class, mapped and not; nothing else known. */
static int add_phantom(struct build *build, const char country[2], uint32_t asn, uint32_t marks)
{
	uint32_t number;

	return intern_key(&build->keys, origin_key_make(feed_country(country), asn, marks),
			  &number);
}

/* A country alone, and with each AS that any group names. */
static int add_country(struct build *build, const char country[2])
{
	size_t pairs =
		build->asn_count * build->country_count <= PHANTOM_PAIRS ? build->asn_count : 0;

	for (size_t i = 0; i < pairs; i++) {
		if (add_phantom(build, country, build->asns[i], 0) != 0)
			return -ENOMEM;
	}
	return add_phantom(build, country, 0, 0);
}

static int add_group_phantoms(struct build *build, const struct group_params *group)
{
	static const char nowhere[2];
	int result = 0;

	for (size_t i = 0; i < group->count && result == 0; i++) {
		const struct term *term = &group->terms[i];

		if (term->type == TERM_COUNTRY)
			result = add_country(build, term->country);
		else if (term->type == TERM_ASN)
			result = add_phantom(build, nowhere, term->asn, 0);
	}
	return result;
}

static int add_phantoms(struct build *build)
{
	static const char nowhere[2];
	uint32_t number;

	for (uint32_t marks = 0; marks < build->classes.count; marks++) {
		if (intern_key(&build->keys, origin_with_marks(0, marks), &number) != 0 ||
		    add_phantom(build, nowhere, 0, marks) != 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < build->policy->group_count; i++) {
		if (add_group_phantoms(build, &build->policy->groups[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void build_free(struct build *build)
{
	free(build->asns);
	free(build->marks);
	classes_free(&build->classes);
	intern_free(&build->keys);
	table_free(&build->table[0]);
	table_free(&build->table[1]);
}

static int finish(struct build *build, struct segment **segment, struct membership **membership)
{
	uint32_t origins = build->keys.count;
	struct segment *written = write_origins(build);
	struct membership *members = NULL;

	if (written && add_phantoms(build) == 0)
		members = membership_new(build->policy, &build->classes, build->keys.keys,
					 build->keys.count, origins);
	if (!members) {
		segment_unref(written);
		return no_memory(build->error);
	}
	*segment = written;
	*membership = members;
	return 0;
}

int origins_compile(const struct policy *policy, struct feed_data *feeds, struct segment **segment,
		    struct membership **membership, struct error *error)
{
	struct build build = {.policy = policy, .feeds = feeds, .error = error};
	int result;

	result = collect_terms(&build);
	if (result == 0 && classes_init(&build.classes) != 0)
		result = no_memory(error);
	if (result == 0)
		result = plant(&build);
	if (result == 0)
		result = cut(&build);
	if (result == 0)
		result = finish(&build, segment, membership);
	build_free(&build);
	return result;
}
