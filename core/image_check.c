/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes a segment, and segments together, harmless to read. See image.h. */
#include "image_check.h"

#include <errno.h>
#include <string.h>

struct kind {
	const char *name;
	unsigned arrays;
	const char *const *array_names;
	const size_t *element;
};

/* clang-format off */
#define X(symbol, type) #symbol,
static const char *const RULES_names[] = {RULES_ARRAYS(X)};
static const char *const SERVICES_names[] = {SERVICES_ARRAYS(X)};
static const char *const GUARD_names[] = {GUARD_ARRAYS(X)};
static const char *const SETS_names[] = {SETS_ARRAYS(X)};
static const char *const SINGLES_names[] = {SINGLES_ARRAYS(X)};
static const char *const ORIGINS_names[] = {ORIGINS_ARRAYS(X)};
static const char *const DOCUMENT_names[] = {DOCUMENT_ARRAYS(X)};
#undef X
#define X(symbol, type) sizeof(type),
static const size_t RULES_element[] = {RULES_ARRAYS(X)};
static const size_t SERVICES_element[] = {SERVICES_ARRAYS(X)};
static const size_t GUARD_element[] = {GUARD_ARRAYS(X)};
static const size_t SETS_element[] = {SETS_ARRAYS(X)};
static const size_t SINGLES_element[] = {SINGLES_ARRAYS(X)};
static const size_t ORIGINS_element[] = {ORIGINS_ARRAYS(X)};
static const size_t DOCUMENT_element[] = {DOCUMENT_ARRAYS(X)};
#undef X

static const struct kind kinds[SEGMENT_KINDS] = {
#define X(symbol, name, arrays) {name, arrays##_ARRAY_COUNT, arrays##_names, arrays##_element},
	SEGMENTS(X)
#undef X
};
/* clang-format on */
_Static_assert((int)SERVICES_ARRAY_COUNT <= (int)SEGMENT_ARRAYS, "the header has room");
_Static_assert((int)GUARD_ARRAY_COUNT <= (int)SEGMENT_ARRAYS, "the header has room");

int image_refuse(enum segment_kind kind, int array, const char *message, struct image_error *error)
{
	*error = (struct image_error){
		.segment = kinds[kind].name,
		.array = array < 0 ? "" : kinds[kind].array_names[array],
		.message = message,
	};
	return -EBADMSG;
}

uint64_t image_hash(const void *data, size_t size)
{
	return siphash((struct siphash_key){0, 0}, data, size);
}

const char *segment_name(enum segment_kind kind)
{
	return kinds[kind].name;
}

size_t segment_element(enum segment_kind kind, unsigned array)
{
	return kinds[kind].element[array];
}

unsigned segment_arrays(enum segment_kind kind)
{
	return kinds[kind].arrays;
}

int manifest_check(const struct manifest *manifest, size_t size, struct image_error *error)
{
	*error = (struct image_error){.segment = "manifest", .array = ""};
	if (size != sizeof *manifest)
		error->message = "wrong size";
	else if (manifest->magic != MANIFEST_MAGIC)
		error->message = "not a manifest";
	else if (manifest->version != IMAGE_VERSION)
		error->message = "of another version";
	else if (manifest->hash != image_hash(manifest, offsetof(struct manifest, hash)))
		error->message = "checksum does not match";
	else
		return 0;
	return -EBADMSG;
}

static int check_header(const struct check *check, const struct manifest_segment *expected)
{
	const struct segment_header *header = check->header;

	if (expected->size < sizeof *header)
		return refuse(check, -1, "shorter than its header");
	if (header->magic != SEGMENT_MAGIC)
		return refuse(check, -1, "not a segment");
	if (header->version != IMAGE_VERSION)
		return refuse(check, -1, "of another version");
	if (header->kind != (uint32_t)check->kind)
		return refuse(check, -1, "of another kind");
	if (header->arrays != kinds[check->kind].arrays)
		return refuse(check, -1, "wrong number of arrays");
	if (header->size != expected->size)
		return refuse(check, -1, "size is not the manifest's");
	if (header->hash != expected->hash)
		return refuse(check, -1, "name is not the manifest's");
	if (header->hash != image_hash((const char *)header + SEGMENT_HASHED_FROM,
				       header->size - SEGMENT_HASHED_FROM))
		return refuse(check, -1, "checksum does not match");
	return 0;
}

/* Arrays follow one another: what the reader writes to one, it writes to no other. */
static int check_arrays(const struct check *check)
{
	uint64_t end = sizeof *check->header;

	for (unsigned i = 0; i < check->header->arrays; i++) {
		const struct segment_array *array = &check->header->array[i];

		if (array->offset % IMAGE_ALIGN != 0 || array->offset > check->header->size)
			return refuse(check, (int)i, "lies outside its segment");
		if (array->offset < end)
			return refuse(check, (int)i, "overlaps what is before it");
		if (array->count > UINT32_MAX || array->count * kinds[check->kind].element[i] >
							 check->header->size - array->offset)
			return refuse(check, (int)i, "reaches past its segment");
		end = array->offset + array->count * kinds[check->kind].element[i];
	}
	return 0;
}

/* Whether a cell that is no node leads to ranges or values that are there. */
static bool bad_leaf(struct range_cell cell, uint32_t ranges, uint64_t limit, bool none)
{
	if (cell.inside == 0)
		return cell.at >= limit && !(none && cell.at == SET_NONE);
	return cell.at == 0 || cell.at > ranges || cell.inside > ranges - cell.at;
}

/*
 * The index of a range table: nodes begin where the one before ends, so that each cell but the
 * root has one parent, and a walk ends. `next` is where the next one has to begin.
 */
static int check_range_cells(const struct check *check, unsigned at, uint32_t ranges,
			     uint64_t limit, bool none)
{
	const struct range_cell *index = array_at(check, at);
	uint64_t cells = array_count(check, at), next = 1, level_end = 1;
	unsigned level = 0;

	for (uint64_t i = 0; i < cells; i++) {
		struct range_cell cell = index[i];

		if (i == level_end) {
			level++;
			level_end = next;
		}
		if (!range_is_node(cell)) {
			if (bad_leaf(cell, ranges, limit, none))
				return refuse(check, (int)at, "value out of range");
			continue;
		}
		if (level == RANGE_LEVELS || range_node_bits(cell) > RANGE_NODE_BITS)
			return refuse(check, (int)at, "divides too finely");
		if (cell.at != next)
			return refuse(check, (int)at, "is not in order");
		next += UINT64_C(1) << range_node_bits(cell);
	}
	return next == cells ? 0 : refuse(check, (int)at, "does not end with its last node");
}

/* The index, and how many ranges there are: arrays `at` to `at + 2`. */
static int check_range_index(const struct check *check, unsigned at, uint64_t limit, bool none,
			     uint32_t *count)
{
	uint64_t cells = array_count(check, at), ranges = array_count(check, at + 1);

	if (array_count(check, at + 2) != ranges)
		return refuse(check, (int)at + 2, "not one value for each range");
	*count = (uint32_t)ranges;
	if (ranges == 0)
		return cells == 0 ? 0 : refuse(check, (int)at, "indexes no ranges");
	return check_range_cells(check, at, *count, limit, none);
}

static int check_range_values(const struct check *check, unsigned at, uint64_t limit, bool none)
{
	const uint32_t *value = array_at(check, at);

	for (uint64_t i = 0; i < array_count(check, at); i++) {
		if (value[i] >= limit && !(none && value[i] == SET_NONE))
			return refuse(check, (int)at, "value out of range");
	}
	return 0;
}

static int check_range4(const struct check *check, unsigned at, uint64_t limit, bool none)
{
	const uint32_t *first = array_at(check, at + 1);
	uint32_t count;
	int result = check_range_index(check, at, limit, none, &count);

	if (result)
		return result;
	if (count && first[0] != 0)
		return refuse(check, (int)at + 1, "does not begin at address zero");
	for (uint32_t i = 1; i < count; i++) {
		if (first[i] <= first[i - 1])
			return refuse(check, (int)at + 1, "does not ascend");
	}
	return check_range_values(check, at + 2, limit, none);
}

static int check_range6(const struct check *check, unsigned at, uint64_t limit, bool none)
{
	const struct address *first = array_at(check, at + 1);
	uint32_t count;
	int result = check_range_index(check, at, limit, none, &count);

	if (result)
		return result;
	if (count && (first[0].hi | first[0].lo) != 0)
		return refuse(check, (int)at + 1, "does not begin at address zero");
	for (uint32_t i = 1; i < count; i++) {
		if (address_up_to(first[i], first[i - 1]))
			return refuse(check, (int)at + 1, "does not ascend");
	}
	return check_range_values(check, at + 2, limit, none);
}

int check_range(const struct check *check, unsigned at, uint64_t limit, bool none)
{
	int result = check_range4(check, at, limit, none);

	return result ? result : check_range6(check, at + 3, limit, none);
}

/* A string table: the last byte ends the last string. */
static int check_names(const struct check *check, unsigned at)
{
	uint64_t size = array_count(check, at);

	if (size && ((const char *)array_at(check, at))[size - 1] != '\0')
		return refuse(check, (int)at, "last name has no end");
	return 0;
}

/* The longest burst, by costs that are rounded up by up to 0.1%, and a tick or two. */
static const uint64_t LONGEST_NS = CAP_BURST_S * 1001000000;

static bool bad_profile(const struct bucket_profile *profile, unsigned rate)
{
	return profile->cost >= UINT64_C(1) << 47 || profile->shift > 32 ||
	       profile->limit > bucket_ticks(LONGEST_NS) ||
	       (rate == BUCKET_PPS && profile->shift != 0);
}

static bool bad_limit(const struct bucket_limit *limit)
{
	return bad_profile(&limit->rate[BUCKET_PPS], BUCKET_PPS) ||
	       bad_profile(&limit->rate[BUCKET_BPS], BUCKET_BPS);
}

static int check_rules(const struct check *check)
{
	const struct settings *settings = array_at(check, RULES_SETTINGS);
	const struct rule *rule = array_at(check, RULES_RULES);

	if (array_count(check, RULES_SETTINGS) != 1)
		return refuse(check, RULES_SETTINGS, "not one");
	if (settings->malformed > VERDICT_DROP || settings->other > VERDICT_DROP ||
	    settings->unmatched > VERDICT_DROP || bad_limit(&settings->host))
		return refuse(check, RULES_SETTINGS, "value out of range");
	if (array_count(check, RULES_RULES) > CAP_RULES)
		return refuse(check, RULES_RULES, "too many");
	for (uint64_t i = 0; i < array_count(check, RULES_RULES); i++) {
		if (rule[i].admit > UINT64_C(1) << 32 || rule[i].scope > SCOPE_NEW ||
		    rule[i].otherwise <= VERDICT_PASS || rule[i].otherwise >= VERDICT_COUNT ||
		    rule[i].admit_bp > 10000 || rule[i].slot != 0 || rule[i].id == 0 ||
		    rule[i].name >= array_count(check, RULES_NAMES) || bad_limit(&rule[i].source) ||
		    bad_limit(&rule[i].total))
			return refuse(check, RULES_RULES, "value out of range");
	}
	return check_names(check, RULES_NAMES);
}

/* Port classes: an array of exactly `count`, each below `classes`. */
static int check_classes(const struct check *check, unsigned at, uint64_t count, uint64_t classes)
{
	const uint16_t *class = array_at(check, at);

	if (array_count(check, at) != count)
		return refuse(check, (int)at, "wrong number of elements");
	for (uint64_t i = 0; i < count; i++) {
		if (class[i] >= classes)
			return refuse(check, (int)at, "value out of range");
	}
	return 0;
}

static int check_service_records(const struct check *check)
{
	const struct service *service = array_at(check, SERVICES_SERVICES);
	const struct fallback *fallback = array_at(check, SERVICES_FALLBACKS);
	uint64_t services = array_count(check, SERVICES_SERVICES);
	uint64_t fallbacks = array_count(check, SERVICES_FALLBACKS);
	uint64_t names = array_count(check, SERVICES_NAMES);

	if (services > CAP_SERVICES)
		return refuse(check, SERVICES_SERVICES, "too many");
	if (fallbacks > CAP_FALLBACKS)
		return refuse(check, SERVICES_FALLBACKS, "too many");
	for (uint64_t i = 0; i < services; i++) {
		if (service[i].name >= names ||
		    (service[i].fallback >= fallbacks && service[i].fallback != NONE))
			return refuse(check, SERVICES_SERVICES, "value out of range");
	}
	for (uint64_t i = 0; i < fallbacks; i++) {
		if (fallback[i].name >= names || fallback[i].vlan > 4094)
			return refuse(check, SERVICES_FALLBACKS, "value out of range");
	}
	return check_names(check, SERVICES_NAMES);
}

static int check_services(const struct check *check)
{
	uint64_t services = array_count(check, SERVICES_SERVICES);
	uint64_t cells = array_count(check, SERVICES_CELLS);
	const uint16_t *cell = array_at(check, SERVICES_CELLS);
	uint32_t ports;
	int result = check_service_records(check);

	if (result)
		return result;
	if (array_count(check, SERVICES_CLASSES) != 1)
		return refuse(check, SERVICES_CLASSES, "not one");
	ports = *(const uint32_t *)array_at(check, SERVICES_CLASSES);
	if (ports == 0 || ports > CAP_CLASSES)
		return refuse(check, SERVICES_CLASSES, "value out of range");
	if ((result = check_classes(check, SERVICES_TCP, 65536, ports)) ||
	    (result = check_classes(check, SERVICES_UDP, 65536, ports)) ||
	    (result = check_classes(check, SERVICES_PROTOCOL, 256, ports)) ||
	    (result = check_classes(check, SERVICES_FRAGMENT, 256, ports)))
		return result;
	if (cells == 0 || cells % ports != 0 || cells > CAP_CLASS_CELLS)
		return refuse(check, SERVICES_CELLS, "not one for each pair of classes");
	for (uint64_t i = 0; i < cells; i++) {
		if (cell[i] >= services && cell[i] != NONE)
			return refuse(check, SERVICES_CELLS, "value out of range");
	}
	return check_range(check, SERVICES_INDEX4, cells / ports, false);
}

static int check_guard(const struct check *check)
{
	int result = check_range(check, GUARD_SOURCE_INDEX4, 2, false);

	if (result || (result = check_range(check, GUARD_DESTINATION_INDEX4, 2, false)))
		return result;
	for (unsigned i = GUARD_TCP; i <= GUARD_UDP; i++) {
		if (array_count(check, i) != 0 && array_count(check, i) != 1024)
			return refuse(check, (int)i, "wrong number of elements");
	}
	return 0;
}

static int check_origins(const struct check *check)
{
	uint64_t origins = array_count(check, ORIGINS_ORIGINS);

	if (origins == 0 || origins > CAP_ORIGINS)
		return refuse(check, ORIGINS_ORIGINS, "too few or too many");
	return check_range(check, ORIGINS_INDEX4, origins, false);
}

int segment_check(enum segment_kind kind, const void *data, const struct manifest_segment *expected,
		  struct image_error *error)
{
	struct check check = {kind, data, error};
	int result = check_header(&check, expected);

	if (result || (result = check_arrays(&check)))
		return result;
	switch (kind) {
	case SEGMENT_RULES:
		return check_rules(&check);
	case SEGMENT_SERVICES:
		return check_services(&check);
	case SEGMENT_GUARD:
		return check_guard(&check);
	case SEGMENT_SETS:
		return check_sets(&check);
	case SEGMENT_SINGLES:
	case SEGMENT_LATER:
	case SEGMENT_LATEST:
		return check_singles(&check);
	case SEGMENT_ORIGINS:
		return check_origins(&check);
	default:
		return 0;
	}
}

int image_check_choice(const struct image *image, const void *services, struct image_error *error)
{
	const struct check *check = &(struct check){SEGMENT_SERVICES, services, error};
	uint64_t cells = array_count(check, SERVICES_CHOICE);

	if (cells != ((uint64_t)image->service_count + 1) * image->origin_count)
		return refuse(check, SERVICES_CHOICE, "not one for each service and origin");
	for (uint64_t i = 0; i < cells; i++) {
		uint64_t service = i / image->origin_count;
		uint16_t rule = image->choice[i];

		if (rule == NONE)
			continue;
		if (rule >= image->rule_count)
			return refuse(check, SERVICES_CHOICE, "value out of range");
		if (image->rules[rule].otherwise == VERDICT_DIVERT &&
		    (service == image->service_count || image->services[service].fallback == NONE))
			return refuse(check, SERVICES_CHOICE,
				      "diverts a service without a fallback");
	}
	return 0;
}
