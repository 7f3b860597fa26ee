/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From one generation to the next. New segments go to slots that the generation in force does not
 * use; then the root, which names the slots, is replaced in one step, for which the kernel waits
 * until no program runs that saw the former; and then the slots of that one are empty.
 */
#include "loaded.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The next generation, while it is made. */
struct making {
	struct twin *twin;
	void *const *segments;
	const struct image *image;
	uint32_t slot[TWIN_TABLES]; /* by kind; the direct table's last, or 0: there is none */
};

int twin_table_create(uint32_t lines)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_segment", sizeof(uint32_t), TWIN_LINE,
			      lines, &options);
}

static int segments_map(const struct twin *twin)
{
	return bpf_map__fd(twin->bpf->maps.segments);
}

/* The slot that holds a segment already, or 0. */
static uint32_t slot_holding(const struct twin *twin, enum segment_kind kind, uint64_t hash,
			     uint64_t size)
{
	for (uint32_t i = 1; i < TWIN_SLOTS; i++) {
		const struct twin_slot *slot = &twin->slot[i];

		if (slot->taken && slot->kind == kind && slot->hash == hash && slot->size == size)
			return i;
	}
	return 0;
}

/* There is always one: two generations have room. */
static uint32_t slot_free(const struct twin *twin)
{
	uint32_t slot = 1;

	while (twin->slot[slot].taken)
		slot++;
	return slot;
}

/* Fill a table's memory: with a segment, or with what follows from the image. */
static void fill(const struct making *making, enum segment_kind kind, void *memory, size_t size)
{
	if (kind == SEGMENT_KINDS)
		image_direct4(making->image, memory);
	else
		memcpy(memory, making->segments[kind], size);
}

static int slot_fill(struct making *making, enum segment_kind kind, uint64_t hash, uint64_t size)
{
	struct twin *twin = making->twin;
	uint32_t slot = slot_free(twin);
	int table = twin_table_create((uint32_t)((size + TWIN_LINE - 1) / TWIN_LINE));
	void *memory;
	int result;

	if (table < 0)
		return table;
	memory = twin_map(table, size);
	if (memory) {
		fill(making, kind, memory, size);
		munmap(memory, size);
		result = bpf_map_update_elem(segments_map(twin), &slot, &table, BPF_ANY);
	} else {
		result = -errno;
	}
	close(table);
	if (result == 0) {
		twin->slot[slot] = (struct twin_slot){true, kind, hash, size};
		making->slot[kind] = slot;
	}
	return result;
}

static int fill_slots(struct making *making, bool direct)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment_header *header = making->segments[kind];
		int result;

		making->slot[kind] = slot_holding(making->twin, kind, header->hash, header->size);
		if (kind == SEGMENT_DOCUMENT || making->slot[kind])
			continue;
		result = slot_fill(making, kind, header->hash, header->size);
		if (result != 0)
			return result;
	}
	return direct ? slot_fill(making, SEGMENT_KINDS, 0, DIRECT_BYTES) : 0;
}

/* Empty the slots that the generation in force, made or kept, does not use. */
static void empty_slots(struct twin *twin, const bool used[TWIN_SLOTS])
{
	for (uint32_t i = 1; i < TWIN_SLOTS; i++) {
		if (twin->slot[i].taken && !used[i]) {
			bpf_map_delete_elem(segments_map(twin), &i);
			twin->slot[i].taken = false;
		}
	}
}

/* Where in the tables what `pointer` points to is; what is in none of them is the empty line. */
static uint64_t place_of(const struct making *making, const void *pointer)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment_header *header = making->segments[kind];
		uint64_t offset = (uint64_t)pointer - (uint64_t)header;

		if (offset < header->size && making->slot[kind])
			return (uint64_t)making->slot[kind] << TWIN_SLOT_SHIFT | offset;
	}
	return 0;
}

/* Put places where an image's pointers are. */
static void put_places(const struct making *making, struct image *image)
{
	static const size_t ranges[] = {
		offsetof(struct image, destination),
		offsetof(struct image, guard_source),
		offsetof(struct image, guard_destination),
		offsetof(struct image, sets),
		offsetof(struct image, origin),
	};
	static const size_t in_range[] = {
		offsetof(struct range, ip4.index), offsetof(struct range, ip4.first),
		offsetof(struct range, ip4.value), offsetof(struct range, ip6.index),
		offsetof(struct range, ip6.first), offsetof(struct range, ip6.value),
	};
	static const size_t in_layer[] = {
		offsetof(struct singles, exact4),
		offsetof(struct singles, exact6),
		offsetof(struct singles, pairs),
		offsetof(struct singles, expires),
	};
	static const size_t others[] = {
		offsetof(struct image, port_tcp),      offsetof(struct image, port_udp),
		offsetof(struct image, port_protocol), offsetof(struct image, port_fragment),
		offsetof(struct image, cells),         offsetof(struct image, choice),
		offsetof(struct image, guard_tcp),     offsetof(struct image, guard_udp),
		offsetof(struct image, set_entries),   offsetof(struct image, set_expires),
	};
#define COUNT(array) (sizeof(array) / sizeof *(array))
	size_t at[COUNT(ranges) * COUNT(in_range) + SINGLES_LAYERS * COUNT(in_layer) +
		  COUNT(others)];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(ranges) * COUNT(in_range); i++)
		at[count++] = ranges[i / COUNT(in_range)] + in_range[i % COUNT(in_range)];
	for (size_t i = 0; i < SINGLES_LAYERS * COUNT(in_layer); i++)
		at[count++] = offsetof(struct image, singles) +
			      i / COUNT(in_layer) * sizeof(struct singles) +
			      in_layer[i % COUNT(in_layer)];
	for (size_t i = 0; i < COUNT(others); i++)
		at[count++] = others[i];
	while (count > 0) {
		char *pointer = (char *)image + at[--count];
		uint64_t place;

		memcpy(&place, pointer, sizeof place);
		place = place_of(making, (const void *)place);
		memcpy(pointer, &place, sizeof place);
	}
#undef COUNT
}

static void fill_root(const struct making *making, struct twin_root *root)
{
	const struct image *image = making->image;
	uint64_t direct = (uint64_t)making->slot[SEGMENT_KINDS] << TWIN_SLOT_SHIFT;

	root->image = *image;
	put_places(making, &root->image);
	memcpy(&root->image.direct4, &direct, sizeof direct);
	root->settings = *image->settings;
	for (uint32_t i = 0; i < image->rule_count; i++)
		root->rules[i] = image->rules[i];
}

static int replace_root(const struct making *making)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	const uint32_t first = 0;
	struct twin_root *root;
	int result, map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_root", sizeof(uint32_t),
					 sizeof *root, 1, &options);

	if (map < 0)
		return map;
	root = twin_map(map, sizeof *root);
	if (root) {
		fill_root(making, root);
		munmap(root, sizeof *root);
		result = bpf_map_update_elem(bpf_map__fd(making->twin->bpf->maps.roots), &first,
					     &map, BPF_ANY);
	} else {
		result = -errno;
	}
	close(map);
	return result;
}

/* The most full lines in a row, after which the twin would look no further. */
static uint32_t longest_run(const struct singles *layer)
{
	uint32_t run = 0, longest = 0;

	for (uint32_t i = 0; i <= layer->mask4; i++) {
		run = layer->exact4[i].word[EXACT4_WAYS - 1] ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	run = 0;
	for (uint32_t i = 0; i <= layer->mask6; i++) {
		run = layer->exact6[i].word[EXACT6_WAYS - 1] ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

int twin_switch(struct twin *twin, void *const segments[SEGMENT_KINDS], const struct image *image,
		bool direct, struct twin_error *error)
{
	struct making making = {.twin = twin, .segments = segments, .image = image};
	bool before[TWIN_SLOTS], after[TWIN_SLOTS] = {0};
	int result;

	for (unsigned i = 0; i < SINGLES_LAYERS; i++) {
		if (longest_run(&image->singles[i]) >= TURNS_SINGLES / 2)
			return twin_fail(error, -E2BIG, "single addresses lie too close");
	}
	for (unsigned i = 0; i < TWIN_SLOTS; i++)
		before[i] = twin->slot[i].taken;
	result = fill_slots(&making, direct);
	if (result == 0)
		result = replace_root(&making);
	if (result != 0) {
		empty_slots(twin, before);
		return twin_fail(error, result, "cannot fill the twin's tables");
	}
	for (unsigned i = 0; i < TWIN_TABLES; i++)
		after[making.slot[i]] = true;
	empty_slots(twin, after);
	return 0;
}
