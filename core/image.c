/* SPDX-License-Identifier: BSD-3-Clause */
/* From checked segments to a struct image. See image.h. */
#include "image_check.h"

/* A segment being opened: array `i`, or NULL where it is empty. */
static void *view(void *segment, unsigned array, uint64_t *count)
{
	const struct segment_header *header = segment;
	uint64_t elements = header->array[array].count;

	if (count)
		*count = elements;
	return elements ? (char *)segment + header->array[array].offset : NULL;
}

static struct range view_range(void *segment, unsigned at)
{
	uint64_t count4, count6;
	struct range range = {
		.ip4 =
			{
				.index = view(segment, at, NULL),
				.first = view(segment, at + 1, &count4),
				.value = view(segment, at + 2, NULL),
			},
		.ip6 =
			{
				.index = view(segment, at + 3, NULL),
				.first = view(segment, at + 4, &count6),
				.value = view(segment, at + 5, NULL),
			},
	};

	range.ip4.count = (uint32_t)count4;
	range.ip6.count = (uint32_t)count6;
	return range;
}

static void open_rules(void *segment, struct image *image)
{
	uint64_t count;

	image->settings = view(segment, RULES_SETTINGS, NULL);
	image->rules = view(segment, RULES_RULES, &count);
	image->rule_count = (uint32_t)count;
	image->rule_names = view(segment, RULES_NAMES, NULL);
	image->salt = siphash_key_from(image->settings->salt);
	for (uint64_t i = 0; i < count; i++)
		image->limits_sources |= bucket_limits(&image->rules[i].source);
}

static void open_services(void *segment, struct image *image)
{
	uint64_t services, fallbacks, cells;

	image->destination = view_range(segment, SERVICES_INDEX4);
	image->port_tcp = view(segment, SERVICES_TCP, NULL);
	image->port_udp = view(segment, SERVICES_UDP, NULL);
	image->port_protocol = view(segment, SERVICES_PROTOCOL, NULL);
	image->port_fragment = view(segment, SERVICES_FRAGMENT, NULL);
	image->cells = view(segment, SERVICES_CELLS, &cells);
	image->choice = view(segment, SERVICES_CHOICE, NULL);
	image->services = view(segment, SERVICES_SERVICES, &services);
	image->fallbacks = view(segment, SERVICES_FALLBACKS, &fallbacks);
	image->service_names = view(segment, SERVICES_NAMES, NULL);
	image->service_count = (uint32_t)services;
	image->fallback_count = (uint32_t)fallbacks;
	image->port_classes = *(const uint32_t *)view(segment, SERVICES_CLASSES, NULL);
	image->destination_classes = (uint32_t)(cells / image->port_classes);
}

static void open_guard(void *segment, struct image *image)
{
	image->guard_source = view_range(segment, GUARD_SOURCE_INDEX4);
	image->guard_destination = view_range(segment, GUARD_DESTINATION_INDEX4);
	image->guard_tcp = view(segment, GUARD_TCP, NULL);
	image->guard_udp = view(segment, GUARD_UDP, NULL);
}

static void open_sets(void *segment, struct image *image)
{
	image->sets = view_range(segment, SETS_INDEX4);
	image->set_entries = view(segment, SETS_ENTRIES, NULL);
	image->set_expires = view(segment, SETS_EXPIRES, NULL);
}

static void open_singles(void *segment, struct singles *layer)
{
	static const struct exact4 no_line4;
	static const struct exact6 no_line6;
	uint64_t lines4, lines6;

	*layer = (struct singles){
		.exact4 = view(segment, SINGLES_EXACT4, &lines4),
		.exact6 = view(segment, SINGLES_EXACT6, &lines6),
		.pairs = view(segment, SINGLES_PAIRS, NULL),
		.expires = view(segment, SINGLES_EXPIRES, NULL),
	};
	layer->mask4 = lines4 ? (uint32_t)lines4 - 1 : 0;
	layer->mask6 = lines6 ? (uint32_t)lines6 - 1 : 0;
	layer->exact4 = lines4 ? layer->exact4 : &no_line4;
	layer->exact6 = lines6 ? layer->exact6 : &no_line6;
}

/* The layers, from the one that is asked first on. */
static const enum segment_kind layers[SINGLES_LAYERS] = {SEGMENT_LATEST, SEGMENT_LATER,
							 SEGMENT_SINGLES};

/* All layers must agree where an address is looked for. */
static int open_layers(void *const segments[SEGMENT_KINDS], struct image *image,
		       struct image_error *error)
{
	image->singles_seed = *(const uint64_t *)view(segments[layers[0]], SINGLES_SEED, NULL);
	for (unsigned i = 0; i < SINGLES_LAYERS; i++) {
		void *segment = segments[layers[i]];
		const uint64_t *seed = view(segment, SINGLES_SEED, NULL);

		if (*seed != image->singles_seed)
			return image_refuse(layers[i], SINGLES_SEED, "is not that of the others",
					    error);
		open_singles(segment, &image->singles[i]);
	}
	return 0;
}

static void open_origins(void *segment, struct image *image)
{
	uint64_t count;

	image->origin = view_range(segment, ORIGINS_INDEX4);
	image->origins = view(segment, ORIGINS_ORIGINS, &count);
	image->origin_count = (uint32_t)count;
}

int image_open(void *const segments[SEGMENT_KINDS], struct image *image, struct image_error *error)
{
	uint64_t document;
	struct image opened = {
		.document = view(segments[SEGMENT_DOCUMENT], DOCUMENT_TEXT, &document),
	};
	int result;

	opened.document_size = document;
	open_rules(segments[SEGMENT_RULES], &opened);
	open_services(segments[SEGMENT_SERVICES], &opened);
	open_guard(segments[SEGMENT_GUARD], &opened);
	open_sets(segments[SEGMENT_SETS], &opened);
	open_origins(segments[SEGMENT_ORIGINS], &opened);
	if ((result = open_layers(segments, &opened, error)) ||
	    (result = image_check_choice(&opened, segments[SEGMENT_SERVICES], error)))
		return result;
	*image = opened;
	return 0;
}

/* Workers may be reading them, so nothing is written again that is there. */
static void mark_cells(uint16_t *direct4, uint32_t first, uint32_t last)
{
	for (uint32_t cell = first >> 8; cell <= last >> 8; cell++) {
		uint16_t was = direct4[cell];

		if (!(was & DIRECT_HELD))
			__atomic_store_n(&direct4[cell], was | DIRECT_HELD, __ATOMIC_RELAXED);
	}
}

static uint32_t range4_last(const struct range4 *range, uint32_t i)
{
	return i + 1 < range->count ? range->first[i + 1] - 1 : UINT32_MAX;
}

static void mark_ranges(uint16_t *direct4, const struct range4 *range, uint32_t none)
{
	for (uint32_t i = 0; i < range->count; i++) {
		if (range->value[i] != none)
			mark_cells(direct4, range->first[i], range4_last(range, i));
	}
}

static uint32_t count_cells(const struct range4 *range, uint32_t none)
{
	uint32_t cells = 0;

	for (uint32_t i = 0; i < range->count; i++) {
		if (range->value[i] != none)
			cells += (range4_last(range, i) >> 8) - (range->first[i] >> 8) + 1;
	}
	return cells;
}

uint32_t image_direct4_wide(const struct image *image)
{
	return count_cells(&image->guard_source.ip4, 0) + count_cells(&image->sets.ip4, SET_NONE);
}

static void mark_layer(uint16_t *direct4, const struct singles *layer)
{
	for (uint32_t i = 0; i <= layer->mask4; i++) {
		const struct exact4 *line = &layer->exact4[i];

		for (unsigned way = 0; way < EXACT4_WAYS; way++) {
			if (line->word[way])
				mark_cells(direct4, line->address[way], line->address[way]);
		}
	}
}

void image_direct4_add(const struct image *image, enum segment_kind kind, uint16_t *direct4)
{
	if (kind == SEGMENT_GUARD)
		mark_ranges(direct4, &image->guard_source.ip4, 0);
	if (kind == SEGMENT_SETS)
		mark_ranges(direct4, &image->sets.ip4, SET_NONE);
	for (unsigned i = 0; i < SINGLES_LAYERS; i++) {
		if (kind == layers[i])
			mark_layer(direct4, &image->singles[i]);
	}
}

/* The cells of the /24s that [first, last] touches; where it begins inside one, it splits it. */
static void fill_cells(uint16_t *direct4, uint32_t first, uint32_t last, uint16_t origin)
{
	for (uint32_t cell = first >> 8; cell <= last >> 8; cell++)
		direct4[cell] = origin;
	if (first & 0xff)
		direct4[first >> 8] = DIRECT_SPLIT;
}

void image_direct4(const struct image *image, uint16_t *direct4)
{
	const struct range4 *range = &image->origin.ip4;

	for (uint32_t i = 0; i < range->count; i++)
		fill_cells(direct4, range->first[i], range4_last(range, i),
			   (uint16_t)range->value[i]);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		image_direct4_add(image, kind, direct4);
}

int segment_expiries(enum segment_kind kind)
{
	switch (kind) {
	case SEGMENT_SETS:
		return SETS_EXPIRES;
	case SEGMENT_SINGLES:
	case SEGMENT_LATER:
	case SEGMENT_LATEST:
		return SINGLES_EXPIRES;
	default:
		return -1;
	}
}

void segment_rebase_expiry(enum segment_kind kind, void *segment, int64_t utc_minus_clock_ns)
{
	int array = segment_expiries(kind);
	uint64_t count, *expires;

	if (array < 0)
		return;
	expires = view(segment, (unsigned)array, &count);
	for (uint64_t i = 1; i < count; i++) {
		uint64_t moved = expires[i] - (uint64_t)utc_minus_clock_ns;

		expires[i] = (int64_t)moved > 0 ? moved : 1;
	}
}

/* Whether anything in the segment expires; the first of its expiries is never. */
static bool expires(enum segment_kind kind, void *segment)
{
	int array = segment_expiries(kind);
	uint64_t count = 0;

	if (array >= 0)
		view(segment, (unsigned)array, &count);
	return count > 1;
}

bool image_timed(void *const segments[SEGMENT_KINDS], const struct image *image)
{
	bool timed = bucket_limits(&image->settings->host);

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		timed |= expires((enum segment_kind)kind, segments[kind]);
	for (uint32_t i = 0; i < image->rule_count; i++)
		timed |= bucket_limits(&image->rules[i].source) ||
			 bucket_limits(&image->rules[i].total);
	return timed;
}
