/* SPDX-License-Identifier: BSD-3-Clause */
/* The reader of images: refuses by name what is wrong, survives what it does not refuse. */
#include "image/probe.h"
#include "suite.h"

#include <errno.h>
#include <string.h>

/* A xorshift generator (Marsaglia 2003): the same damage in every run. */
static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint8_t *copy_of(enum segment_kind kind, size_t *size)
{
	const void *good = probe_segment(kind, size);
	uint8_t *copy =
		aligned_alloc(IMAGE_ALIGN, (*size + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN);

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, good, *size);
	return copy;
}

static void test_good(void)
{
	struct image_error error;
	size_t size;

	for (int kind = 0; kind < SEGMENT_KINDS; kind++) {
		const void *good = probe_segment(kind, &size);

		CU_ASSERT_EQUAL(probe_replace(kind, good, size, &error), 0);
	}
}

/* What segment_check() says of a good segment after one change, its hash left as it was. */
static void test_header(void)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *message;
	} rows[] = {
		{offsetof(struct segment_header, magic), 1, "not a segment"},
		{offsetof(struct segment_header, version), 99, "of another version"},
		{offsetof(struct segment_header, kind), 77, "of another kind"},
		{offsetof(struct segment_header, arrays), 0, "wrong number of arrays"},
		{offsetof(struct segment_header, size), 1, "size is not the manifest's"},
		{offsetof(struct segment_header, hash), 1, "name is not the manifest's"},
		{sizeof(struct segment_header), 0x12345678, "checksum does not match"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct manifest_segment expected;
		struct image_error error;
		size_t size;
		uint8_t *segment = copy_of(SEGMENT_RULES, &size);
		const struct segment_header *header = (const void *)segment;

		expected = (struct manifest_segment){header->hash, size};
		memcpy(segment + rows[i].at, &rows[i].value, sizeof rows[i].value);
		CU_ASSERT_EQUAL(segment_check(SEGMENT_RULES, segment, &expected, &error), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(error.segment, "rules");
		CU_ASSERT_STRING_EQUAL(error.message, rows[i].message);
		free(segment);
	}
}

static void test_short(void)
{
	struct image_error error;
	size_t size;

	for (int kind = 0; kind < SEGMENT_KINDS; kind++) {
		const void *good = probe_segment(kind, &size);

		for (size_t cut = sizeof(struct segment_header); cut < size; cut += 1 + size / 61) {
			int result = probe_replace(kind, good, cut, &error);

			/* Only padding may be missing. */
			CU_ASSERT(result == -EBADMSG || size - cut < IMAGE_ALIGN);
		}
	}
}

static size_t aligned(size_t size)
{
	return (size + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
}

/* A good segment but that one array has `count` elements: its first ones, and zeros behind. */
static uint8_t *with_count(enum segment_kind kind, unsigned array, uint64_t count, size_t *size)
{
	const uint8_t *good = probe_segment(kind, size);
	size_t at = sizeof(struct segment_header);
	size_t most = aligned(*size + count * segment_element(kind, array)) + IMAGE_ALIGN;
	uint8_t *copy = aligned_alloc(IMAGE_ALIGN, most);
	struct segment_header *header = (struct segment_header *)copy;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memset(copy, 0, most);
	memcpy(copy, good, at);
	for (unsigned i = 0; i < segment_arrays(kind); i++) {
		struct segment_array *moved = &header->array[i];
		struct segment_array from = *moved;

		*moved = (struct segment_array){at, i == array ? count : from.count};
		if (from.count > moved->count)
			from.count = moved->count;
		memcpy(copy + at, good + from.offset, from.count * segment_element(kind, i));
		at = aligned(at + moved->count * segment_element(kind, i));
	}
	*size = at;
	return copy;
}

static void test_counts(void)
{
	static const struct {
		enum segment_kind kind;
		unsigned array;
		uint64_t count;
		const char *message;
	} rows[] = {
		{SEGMENT_RULES, RULES_SETTINGS, 0, "not one"},
		{SEGMENT_RULES, RULES_SETTINGS, 2, "not one"},
		{SEGMENT_RULES, RULES_RULES, CAP_RULES + 1, "too many"},
		{SEGMENT_SERVICES, SERVICES_TCP, 65535, "wrong number of elements"},
		{SEGMENT_SERVICES, SERVICES_UDP, 65537, "wrong number of elements"},
		{SEGMENT_SERVICES, SERVICES_PROTOCOL, 255, "wrong number of elements"},
		{SEGMENT_SERVICES, SERVICES_FRAGMENT, 0, "wrong number of elements"},
		{SEGMENT_SERVICES, SERVICES_CLASSES, 0, "not one"},
		{SEGMENT_SERVICES, SERVICES_CLASSES, 2, "not one"},
		{SEGMENT_SERVICES, SERVICES_CELLS, 0, "not one for each pair of classes"},
		{SEGMENT_SERVICES, SERVICES_CHOICE, 0, "not one for each service and origin"},
		{SEGMENT_SERVICES, SERVICES_CHOICE, 1, "not one for each service and origin"},
		{SEGMENT_SERVICES, SERVICES_SERVICES, CAP_SERVICES + 1, "too many"},
		{SEGMENT_SERVICES, SERVICES_FALLBACKS, CAP_FALLBACKS + 1, "too many"},
		{SEGMENT_SINGLES, SINGLES_EXACT4, 3, "not a power of two"},
		{SEGMENT_LATEST, SINGLES_EXACT6, 3, "not a power of two"},
		{SEGMENT_ORIGINS, ORIGINS_ORIGINS, 0, "too few or too many"},
		{SEGMENT_ORIGINS, ORIGINS_ORIGINS, CAP_ORIGINS + 1, "too few or too many"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct image_error error = {"", "", ""};
		size_t size;
		uint8_t *segment = with_count(rows[i].kind, rows[i].array, rows[i].count, &size);

		CU_ASSERT_EQUAL(probe_replace(rows[i].kind, segment, size, &error), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(error.segment, segment_name(rows[i].kind));
		CU_ASSERT_STRING_EQUAL(error.message, rows[i].message);
		free(segment);
	}
}

/* Whatever array has none, one, one less or one more than it should: refused, or harmless. */
static void test_any_count(void)
{
	struct image_error error;
	size_t size;

	for (int kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment_header *header = probe_segment(kind, &size);

		for (unsigned array = 0; array < segment_arrays(kind); array++) {
			uint64_t count = header->array[array].count;
			const uint64_t counts[] = {0, 1, count - (count > 0), count + 1};

			for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
				uint8_t *segment = with_count(kind, array, counts[i], &size);
				int result = probe_replace(kind, segment, size, &error);

				CU_ASSERT(result == 0 || result == -EBADMSG);
				free(segment);
			}
		}
	}
}

/* Values that tend to be one too many. */
static uint64_t interesting(const struct segment_header *header)
{
	uint64_t count = header->array[random_u64() % SEGMENT_ARRAYS].count;
	const uint64_t values[] = {0,           1,
				   2,           count,
				   count + 1,   count - 1,
				   65535,       65536,
				   UINT32_MAX,  UINT64_MAX,
				   1ULL << 31,  1ULL << 63,
				   16384,       random_u64() % 64,
				   random_u64()};

	return values[random_u64() % (sizeof values / sizeof *values)];
}

static void damage(uint8_t *segment, size_t size)
{
	const struct segment_header *header = (const void *)segment;
	size_t width = (size_t)1 << random_u64() % 4;
	uint64_t value = interesting(header);
	const struct segment_array array = header->array[random_u64() % SEGMENT_ARRAYS];
	size_t span = random_u64() % 4 ? size - array.offset % size : sizeof *header;
	size_t from = span < size ? array.offset % size : 0;

	if (span > size - from)
		span = size - from;
	if (span > 256 && random_u64() % 2)
		span = 256;
	if (span < width)
		return;
	memcpy(segment + from + random_u64() % (span / width) * width, &value, width);
}

static void test_damaged(void)
{
	unsigned refused = 0, passed = 0;
	struct image_error error;
	size_t size;

	for (int round = 0; round < 6000; round++) {
		enum segment_kind kind = random_u64() % SEGMENT_DOCUMENT;
		uint8_t *segment = copy_of(kind, &size);

		for (uint64_t edits = 1 + random_u64() % 3; edits > 0; edits--)
			damage(segment, size);
		if (probe_replace(kind, segment, size, &error) == 0)
			passed++;
		else
			refused++;
		free(segment);
	}
	CU_ASSERT(refused > 1000);
	CU_ASSERT(passed > 1000);
}

static struct segment_header *header_of(uint8_t *segment)
{
	return (void *)segment;
}

/* Slots and moved expiries are written after the check: to what has its place to itself. */
static void test_overlap(void)
{
	static const struct {
		enum segment_kind kind;
		unsigned array, onto;
	} rows[] = {
		{SEGMENT_RULES, RULES_SETTINGS, RULES_RULES},
		{SEGMENT_RULES, RULES_RULES, RULES_SETTINGS},
		{SEGMENT_SETS, SETS_EXPIRES, SETS_ENTRIES},
		{SEGMENT_SINGLES, SINGLES_SEED, SINGLES_PAIRS},
		{SEGMENT_LATEST, SINGLES_EXPIRES, SINGLES_EXACT4},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct image_error error;
		size_t size;
		uint8_t *segment = copy_of(rows[i].kind, &size);
		struct segment_array *array = header_of(segment)->array;

		array[rows[i].array].offset = array[rows[i].onto].offset;
		CU_ASSERT_EQUAL(probe_replace(rows[i].kind, segment, size, &error), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(error.message, "overlaps what is before it");
		free(segment);
	}
}

/* Of the expiries only the first is "never", and none is later than a signed time can be. */
static void test_expires(void)
{
	static const uint64_t values[] = {0, (uint64_t)INT64_MAX + 1, UINT64_MAX};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct image_error error;
		size_t size;
		uint8_t *segment = copy_of(SEGMENT_SETS, &size);
		const struct segment_array *array = &header_of(segment)->array[SETS_EXPIRES];
		uint64_t *expires = (void *)(segment + array->offset);

		CU_ASSERT_FATAL(array->count > 1);
		expires[1] = values[i];
		CU_ASSERT_EQUAL(probe_replace(SEGMENT_SETS, segment, size, &error), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(error.array, "SETS_EXPIRES");
		free(segment);
	}
}

/* Cells of an index: what leads out of it, round in it, or past its ranges and values. */
static void test_index(void)
{
	const unsigned finer = RANGE_NODE_BITS + 1;
	const struct {
		bool root;
		struct range_cell cell;
		const char *message;
	} rows[] = {
		{true, range_node(0, 0, 1), "is not in order"},
		{true, range_node(2, 0, 1), "is not in order"},
		{true, range_node(1, 0, finer), "divides too finely"},
		{true, range_node(1, 0, 0), "does not end with its last node"},
		{true, {1, 0}, "does not end with its last node"},
		{false, range_node(0, 0, 1), "is not in order"},
		{false, {UINT32_MAX - 1, 0}, "value out of range"},
		{false, {0, 1}, "value out of range"},
		{false, {1, RANGE_NODE - 1}, "value out of range"},
		{false, {UINT32_MAX, 1}, "value out of range"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct image_error error;
		size_t size;
		uint8_t *segment = copy_of(SEGMENT_ORIGINS, &size);
		const struct segment_array *array = &header_of(segment)->array[ORIGINS_INDEX4];
		struct range_cell *index = (void *)(segment + array->offset);

		CU_ASSERT_TRUE_FATAL(array->count > 2);
		index[rows[i].root ? 0 : array->count - 1] = rows[i].cell;
		CU_ASSERT_EQUAL(probe_replace(SEGMENT_ORIGINS, segment, size, &error), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(error.array, "ORIGINS_INDEX4");
		CU_ASSERT_STRING_EQUAL(error.message, rows[i].message);
		free(segment);
	}
}

/* A walk takes RANGE_LEVELS steps at most: a chain of nodes that is longer is refused. */
static void test_deep_index(void)
{
	struct image_error error;
	size_t size;
	uint8_t *segment = copy_of(SEGMENT_ORIGINS, &size);
	struct segment_array *array = &header_of(segment)->array[ORIGINS_INDEX4];
	struct range_cell *index = (void *)(segment + array->offset);

	CU_ASSERT_TRUE_FATAL(array->count > RANGE_LEVELS + 2);
	for (uint32_t levels = RANGE_LEVELS; levels <= RANGE_LEVELS + 1; levels++) {
		for (uint32_t i = 0; i < levels; i++)
			index[i] = range_node(i + 1, 0, 0);
		index[levels] = (struct range_cell){0, 0};
		array->count = levels + 1;
		CU_ASSERT_EQUAL(probe_replace(SEGMENT_ORIGINS, segment, size, &error),
				levels == RANGE_LEVELS ? 0 : -EBADMSG);
	}
	CU_ASSERT_STRING_EQUAL(error.message, "divides too finely");
	free(segment);
}

/* Words of single addresses: what no verdict, pair or expiry is behind. */
static void test_singles(void)
{
	static const uint32_t words[] = {
		2,
		SET_ALLOW << SET_EXPIRY_BITS | 1000,
		SET_PAIR << SET_EXPIRY_BITS | 1000,
		UINT32_MAX,
	};
	struct image_error error;
	size_t size;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		uint8_t *segment = copy_of(SEGMENT_SINGLES, &size);
		struct exact4 *line =
			(void *)(segment + header_of(segment)->array[SINGLES_EXACT4].offset);

		line->word[i] = words[i];
		CU_ASSERT_EQUAL(probe_replace(SEGMENT_SINGLES, segment, size, &error), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(error.array, "SINGLES_EXACT4");
		line->word[i] = SET_GONE;
		CU_ASSERT_EQUAL(probe_replace(SEGMENT_SINGLES, segment, size, &error), 0);
		free(segment);
	}
}

/* All ways are looked at together, so that the words of an address twice in a line would mix. */
static void test_twice(void)
{
	struct image_error error;
	size_t size;
	uint8_t *segment = copy_of(SEGMENT_SINGLES, &size);
	struct exact4 *line = (void *)(segment + header_of(segment)->array[SINGLES_EXACT4].offset);

	line->address[0] = line->address[5] = 7;
	line->word[0] = line->word[5] = SET_GONE;
	CU_ASSERT_EQUAL(probe_replace(SEGMENT_SINGLES, segment, size, &error), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(error.message, "an address twice in a line");
	line->address[5] = 8;
	CU_ASSERT_EQUAL(probe_replace(SEGMENT_SINGLES, segment, size, &error), 0);
	free(segment);
}

/* Layers that look for an address in different places would not find each other's. */
static void test_seeds(void)
{
	struct image_error error;
	size_t size;
	uint8_t *segment = copy_of(SEGMENT_LATER, &size);

	segment[header_of(segment)->array[SINGLES_SEED].offset] ^= 1;
	CU_ASSERT_EQUAL(probe_replace(SEGMENT_LATER, segment, size, &error), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(error.message, "is not that of the others");
	free(segment);
}

static void test_manifest(void)
{
	struct manifest manifest = {.magic = MANIFEST_MAGIC, .version = IMAGE_VERSION};
	struct image_error error;

	manifest.hash = image_hash(&manifest, offsetof(struct manifest, hash));
	CU_ASSERT_EQUAL(manifest_check(&manifest, sizeof manifest, &error), 0);
	CU_ASSERT_EQUAL(manifest_check(&manifest, sizeof manifest - 1, &error), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(error.message, "wrong size");
	manifest.generation ^= 1;
	CU_ASSERT_EQUAL(manifest_check(&manifest, sizeof manifest, &error), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(error.message, "checksum does not match");
	manifest.version = 9;
	CU_ASSERT_EQUAL(manifest_check(&manifest, sizeof manifest, &error), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(error.message, "of another version");
	manifest.magic = 0;
	CU_ASSERT_EQUAL(manifest_check(&manifest, sizeof manifest, &error), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(error.message, "not a manifest");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"good segments", test_good},
		{"headers", test_header},
		{"cut segments", test_short},
		{"arrays of wrong lengths", test_counts},
		{"arrays of any length", test_any_count},
		{"damaged segments", test_damaged},
		{"overlapping arrays", test_overlap},
		{"expiries", test_expires},
		{"indexes", test_index},
		{"deep indexes", test_deep_index},
		{"single addresses", test_singles},
		{"an address twice in a line", test_twice},
		{"seeds", test_seeds},
		{"manifests", test_manifest},
		CU_TEST_INFO_NULL,
	};

	if (!probe_setup())
		return EXIT_FAILURE;
	return suite_run("image", tests);
}
