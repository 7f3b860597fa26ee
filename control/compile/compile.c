/* SPDX-License-Identifier: BSD-3-Clause */
/* The compiler's stages in their order, and what is taken over from an earlier result. */
#include "compile/compile.h"

#include "compile/kept.h"
#include "compile/memory.h"
#include "compile/segments.h"
#include "compile/singles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RANGES_MANY = 1000 }; /* of origins: so many do not halve by themselves */

struct stage {
	const struct policy *policy;
	const struct feed_paths *paths;
	const struct compiled *previous; /* or NULL */
	json_t *document;
	struct compiled *compiled;
	struct error *error;
};

const uint8_t *compiled_salt(const struct compiled *compiled)
{
	const struct segment_header *header = compiled->segment[SEGMENT_RULES]->data;
	const struct settings *settings =
		(const void *)((const char *)header + header->array[RULES_SETTINGS].offset);

	return settings->salt;
}

/* A hash of what a part of the document says. 0 or -ENOMEM. */
static int hash_part(json_t *part, uint64_t *recipe)
{
	char *text = part ? json_dumps(part, JSON_COMPACT) : strdup("");

	if (!text)
		return -ENOMEM;
	*recipe = image_hash(text, strlen(text));
	free(text);
	return 0;
}

/* A hash of all that SEGMENT_SERVICES says, but for the origins that its groups hold. */
static int hash_services(const struct policy *policy, json_t *document, uint64_t *recipe)
{
	struct siphash_state state = siphash_start((struct siphash_key){0, 0});
	uint64_t services, fallbacks;

	if (hash_part(json_object_get(document, "services"), &services) != 0 ||
	    hash_part(json_object_get(document, "fallbacks"), &fallbacks) != 0)
		return -ENOMEM;
	siphash_word(&state, services);
	siphash_word(&state, fallbacks);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule_params *rule = &policy->rules[i];

		siphash_word(&state, (uint64_t)rule->service << 32 | (uint32_t)rule->origin << 8 |
					     rule->unmapped);
	}
	*recipe = siphash_finish(&state);
	return 0;
}

/* Note what of the policy goes into which segments. 0 or -ENOMEM. */
static int keep(struct compiled *compiled, const struct policy *policy, json_t *document)
{
	json_t *origins = json_object_get(document, "origins");

	if (hash_part(json_object_get(origins, "feeds"), &compiled->feeds_recipe) != 0 ||
	    hash_part(origins, &compiled->origin_recipe) != 0 ||
	    hash_services(policy, document, &compiled->services_recipe) != 0)
		return -ENOMEM;
	compiled->kept = kept_new(policy);
	return compiled->kept ? 0 : -ENOMEM;
}

static bool origins_stand(const struct stage *stage)
{
	const struct compiled *previous = stage->previous;
	const struct compiled *compiled = stage->compiled;

	if (!previous || previous->origin_recipe != compiled->origin_recipe)
		return false;
	/* Loaded segments come without a membership: only the feeds tell it. */
	if (!previous->membership && previous->services_recipe != compiled->services_recipe)
		return false;
	return stage->paths->settled || compiled->feed_stamp == 0 ||
	       compiled->feed_stamp == previous->feed_stamp;
}

/* Into how many ranges of addresses a segment's origins divide both families. */
static uint64_t origin_ranges(const struct segment *segment)
{
	const struct segment_header *header = segment->data;

	return header->array[ORIGINS_FIRST4].count + header->array[ORIGINS_FIRST6].count;
}

/*
 * A file that was emptied or cut short is no instruction, as one that is not there is none:
 * where the same feeds told much before, and their files are not known to be the same, more
 * than half must still be there.
 */
static int refuse_shrunk(const struct stage *stage)
{
	const struct compiled *previous = stage->previous;
	const struct compiled *compiled = stage->compiled;
	uint64_t before, now;

	if (!previous || previous->feeds_recipe != compiled->feeds_recipe ||
	    (compiled->feed_stamp != 0 && compiled->feed_stamp == previous->feed_stamp))
		return 0;
	before = origin_ranges(previous->segment[SEGMENT_ORIGINS]);
	now = origin_ranges(compiled->segment[SEGMENT_ORIGINS]);
	if (before < RANGES_MANY || now > before / 2)
		return 0;
	return error_set(stage->error, ERROR_GUARD, "origins.feeds",
			 "the feeds' files changed, and divide addresses into %llu ranges where "
			 "there were %llu: put them right; what is in force stays, also if they "
			 "are taken away",
			 (unsigned long long)now, (unsigned long long)before);
}

static int build_origins(const struct stage *stage)
{
	struct compiled *compiled = stage->compiled;
	struct feed_data feeds;
	int result;

	if (feed_read(stage->policy, stage->paths, &feeds, stage->error) != 0)
		return -1;
	result = origins_compile(stage->policy, &feeds, &compiled->segment[SEGMENT_ORIGINS],
				 &compiled->membership, stage->error);
	feed_free(&feeds);
	return result == 0 ? refuse_shrunk(stage) : -1;
}

/* The stamp is taken before the feeds are read: what changes meanwhile is read again next time. */
static int compile_origins(const struct stage *stage)
{
	struct compiled *compiled = stage->compiled;

	compiled->feed_stamp = feed_stamp(stage->policy, stage->paths);
	if (!origins_stand(stage))
		return build_origins(stage);
	compiled->feed_stamp = stage->previous->feed_stamp;
	compiled->segment[SEGMENT_ORIGINS] = segment_ref(stage->previous->segment[SEGMENT_ORIGINS]);
	compiled->membership = membership_ref(stage->previous->membership);
	return 0;
}

/* What decides which rule is whose; and that each is somebody's. */
static int compile_services(const struct stage *stage)
{
	const struct compiled *previous = stage->previous;
	struct compiled *compiled = stage->compiled;

	if (previous && previous->membership == compiled->membership &&
	    previous->services_recipe == compiled->services_recipe) {
		compiled->segment[SEGMENT_SERVICES] =
			segment_ref(previous->segment[SEGMENT_SERVICES]);
		return 0;
	}
	if (cover_check(stage->policy, compiled->membership, stage->error) != 0)
		return -1;
	return services_compile(stage->policy, compiled->membership,
				&compiled->segment[SEGMENT_SERVICES], stage->error);
}

/* The sets' segments, of which those are new that differ by these changes. */
static int compile_changes(const struct stage *stage, const struct kept_changes *changes)
{
	const struct policy *policy = stage->policy;
	const struct compiled *previous = stage->previous;
	struct segment **segment = stage->compiled->segment;

	if (changes->many)
		return sets_compile(policy, &segment[SEGMENT_SETS], stage->error) ||
				       singles_compile(policy, segment, stage->error)
			       ? -1
			       : 0;
	if (!changes->wide)
		segment[SEGMENT_SETS] = segment_ref(previous->segment[SEGMENT_SETS]);
	else if (sets_compile(policy, &segment[SEGMENT_SETS], stage->error) != 0)
		return -1;
	return singles_update(policy, changes->singles, changes->count, previous->segment, segment,
			      stage->error);
}

/* With another salt single addresses are looked for elsewhere. */
static bool same_salt(const struct stage *stage)
{
	return stage->previous &&
	       memcmp(compiled_salt(stage->previous), stage->policy->salt, 16) == 0;
}

static int compile_sets(const struct stage *stage)
{
	struct kept_changes changes;
	int result = kept_compare(same_salt(stage) ? stage->previous->kept : NULL, stage->policy,
				  &changes);

	if (result == 0)
		result = compile_changes(stage, &changes);
	else
		no_memory(stage->error);
	kept_changes_free(&changes);
	return result;
}

static int compile_all(const struct stage *stage)
{
	const struct policy *policy = stage->policy;
	struct segment **segment = stage->compiled->segment;
	struct error *error = stage->error;

	if (keep(stage->compiled, policy, stage->document) != 0)
		return no_memory(error);
	if (compile_origins(stage) != 0 ||
	    rules_compile(policy, &segment[SEGMENT_RULES], error) != 0 ||
	    compile_services(stage) != 0 ||
	    guard_compile(policy, &segment[SEGMENT_GUARD], error) != 0 ||
	    compile_sets(stage) != 0 ||
	    document_compile(stage->document, &segment[SEGMENT_DOCUMENT], error) != 0)
		return -1;
	return 0;
}

static const struct segment_header *header_of(const struct segment *segment)
{
	return segment->data;
}

/* Segments of equal content share the memory of the earlier one. */
static void share(const struct compiled *previous, struct compiled *compiled)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		struct segment *earlier = previous->segment[kind];
		struct segment *now = compiled->segment[kind];

		if (now->size != earlier->size || header_of(now)->hash != header_of(earlier)->hash)
			continue;
		compiled->segment[kind] = segment_ref(earlier);
		segment_unref(now);
	}
}

int compile(const struct policy *policy, const struct feed_paths *paths,
	    const struct compiled *previous, struct compiled *compiled, struct error *error)
{
	struct compiled result = {0};
	struct stage stage = {
		.policy = policy,
		.paths = paths,
		.previous = previous,
		.compiled = &result,
		.error = error,
	};

	*compiled = result;
	if (caps_check(policy, error) != 0)
		return -1;
	stage.document = policy_print_frame(policy);
	if (!stage.document)
		return no_memory(error);
	if (compile_all(&stage) != 0) {
		json_decref(stage.document);
		compiled_unref(&result);
		return -1;
	}
	json_decref(stage.document);
	if (previous)
		share(previous, &result);
	*compiled = result;
	return 0;
}

struct compiled compiled_frame(const struct compiled *previous)
{
	struct compiled frame = *previous;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		if (kind < SEGMENT_SETS || kind > SEGMENT_LATEST)
			segment_ref(frame.segment[kind]);
		else
			frame.segment[kind] = NULL;
	}
	membership_ref(frame.membership);
	frame.kept = NULL;
	return frame;
}
_Static_assert(SEGMENT_LATEST - SEGMENT_SETS == 3, "singles and later are between them");

int compile_entries(const struct policy *policy, const struct compiled *previous,
		    struct compiled *compiled, struct error *error)
{
	struct compiled result = compiled_frame(previous);
	struct stage stage = {
		.policy = policy,
		.previous = previous,
		.compiled = &result,
		.error = error,
	};

	*compiled = (struct compiled){0};
	result.kept = kept_new(policy);
	if (caps_check(policy, error) != 0 || (!result.kept && no_memory(error) != 0) ||
	    compile_sets(&stage) != 0) {
		compiled_unref(&result);
		return -1;
	}
	share(previous, &result);
	*compiled = result;
	return 0;
}

void compiled_unref(struct compiled *compiled)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segment_unref(compiled->segment[kind]);
	membership_unref(compiled->membership);
	kept_free(compiled->kept);
	*compiled = (struct compiled){0};
}

int compiled_keep(struct compiled *compiled, const struct policy *policy)
{
	json_t *document = policy_print_frame(policy);
	int result = document ? keep(compiled, policy, document) : -ENOMEM;

	json_decref(document);
	return result;
}

static struct manifest_segment name_of(const struct segment *segment)
{
	return (struct manifest_segment){header_of(segment)->hash, segment->size};
}

static int refused(const struct image_error *found, struct error *error)
{
	return error_set(error, ERROR_INVALID, "", "the image's %s segment is not sound: %s %s",
			 found->segment, found->array, found->message);
}

int compiled_image(const struct compiled *compiled, struct image *image, struct error *error)
{
	void *segments[SEGMENT_KINDS];
	struct image_error found;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = compiled->segment[kind]->data;
	return image_open(segments, image, &found) == 0 ? 0 : refused(&found, error);
}

int compiled_open(const struct compiled *compiled, struct image *image, struct error *error)
{
	struct image_error found;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment *segment = compiled->segment[kind];
		struct manifest_segment name = name_of(segment);

		if (segment_check((enum segment_kind)kind, segment->data, &name, &found) != 0)
			return refused(&found, error);
	}
	return compiled_image(compiled, image, error);
}

void compiled_manifest(const struct compiled *compiled, uint64_t generation, uint64_t now_ns,
		       const struct manifest_ledger *ledger, struct manifest *manifest)
{
	*manifest = (struct manifest){
		.magic = MANIFEST_MAGIC,
		.version = IMAGE_VERSION,
		.generation = generation,
		.published_ns = now_ns,
	};
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		manifest->segment[kind] = name_of(compiled->segment[kind]);
	if (ledger)
		manifest->ledger = *ledger;
	manifest->hash = image_hash(manifest, offsetof(struct manifest, hash));
}
