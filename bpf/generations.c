/* SPDX-License-Identifier: BSD-3-Clause */
/* See generations.h. */
#include "generations.h"
#include "loaded.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What takes less than this part of the arena is small. */
enum { SMALL_PART = 64 };

/* The next generation, while it is made. */
struct making {
	struct generations *all;
	struct generation *made;
	const struct generation *running; /* or NULL */
	void *const *segments;
	const struct image *image;
};

static const struct segment_header *header_of(const struct making *making, unsigned kind)
{
	return making->segments[kind];
}

/* The generation in force, or NULL. */
static struct generation *running(struct generations *all)
{
	uint32_t root = all->active->root;

	return root == TWIN_NO_ROOT ? NULL : &all->generation[root - 1];
}

/* Forget the former generations that no program can be looking at. */
static void sweep(struct generations *all)
{
	for (unsigned i = 0; i < TWIN_ROOTS; i++) {
		struct generation *former = &all->generation[i];

		if (former->use == GENERATION_FORMER && grace_passed(all->grace, former->grace))
			*former = (struct generation){0};
	}
}

/* Wait until the oldest former generation may be forgotten, and forget it; false: there is none. */
static bool wait_for_one(struct generations *all)
{
	const struct generation *oldest = NULL;

	for (unsigned i = 0; i < TWIN_ROOTS; i++) {
		const struct generation *former = &all->generation[i];

		if (former->use == GENERATION_FORMER && (!oldest || former->grace < oldest->grace))
			oldest = former;
	}
	if (!oldest)
		return false;
	grace_wait(all->grace, oldest->grace);
	sweep(all);
	return true;
}

/* Where something is looking for room: in how much, and from which end. */
struct room {
	uint32_t begin, end; /* of all there is */
	bool down;
};

/* Step from *first to beyond `piece` if `count` would meet it there; false: they do not meet. */
static bool step_over(const struct piece *piece, const struct room *room, uint32_t *first,
		      uint32_t count)
{
	if (*first >= piece->first + piece->count || piece->first >= *first + count)
		return false;
	if (!room->down)
		*first = piece->first + piece->count;
	else
		*first = piece->first >= count ? piece->first - count : room->end;
	return true;
}

static bool step_over_any(const struct generations *all, bool rules, const struct room *room,
			  uint32_t *first, uint32_t count)
{
	bool stepped = false;

	for (unsigned i = 0; i < TWIN_ROOTS; i++) {
		const struct generation *other = &all->generation[i];

		if (rules)
			stepped |= step_over(&other->rules, room, first, count);
		for (unsigned j = 0; !rules && j < TWIN_TABLES; j++)
			stepped |= step_over(&other->table[j], room, first, count);
	}
	return stepped;
}

static bool inside(const struct room *room, uint32_t first, uint32_t count)
{
	return first >= room->begin && first <= room->end - count;
}

/*
 * Find room for `count` lines, or rules. What is small goes to the other end, as what is large and
 * comes again a little larger would find no room between. Waits for former generations to go if it
 * must.
 */
static int find_room(struct generations *all, bool rules, uint32_t count, uint32_t *first)
{
	const struct room room = {
		.begin = rules ? 0 : 1,
		.end = rules ? (uint32_t)TWIN_RULES : all->lines,
		.down = !rules && count < all->lines / SMALL_PART,
	};

	do {
		*first = room.down ? room.end - count : room.begin;
		while (inside(&room, *first, count) &&
		       step_over_any(all, rules, &room, first, count))
			;
		if (inside(&room, *first, count))
			return 0;
	} while (wait_for_one(all));
	return -ENOSPC;
}

static uint32_t lines_of(uint64_t size)
{
	return (uint32_t)((size + TWIN_LINE - 1) / TWIN_LINE);
}

static int piece_new(struct making *making, unsigned kind, uint64_t hash, uint64_t size)
{
	struct piece piece = {.hash = hash, .size = size, .count = lines_of(size)};
	int result;

	if (piece.count >= making->all->lines)
		return -ENOSPC;
	result = find_room(making->all, false, piece.count, &piece.first);
	if (result == 0)
		making->made->table[kind] = piece;
	return result;
}

static void *piece_memory(const struct making *making, unsigned kind)
{
	return making->all->arena + (size_t)making->made->table[kind].first * TWIN_LINE;
}

/* Take the piece of another generation that has the same of this kind; false: there is none. */
static bool piece_share(struct making *making, unsigned kind, uint64_t hash, uint64_t size)
{
	for (unsigned i = 0; i < TWIN_ROOTS; i++) {
		const struct piece *piece = &making->all->generation[i].table[kind];

		if (piece->count && piece->hash == hash && piece->size == size) {
			making->made->table[kind] = *piece;
			return true;
		}
	}
	return false;
}

/* What the root has of these, or nobody asks for, takes no lines. */
static bool takes_lines(unsigned kind)
{
	return kind != SEGMENT_RULES && kind != SEGMENT_DOCUMENT;
}

static int fill_tables(struct making *making)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment_header *header = header_of(making, kind);
		int result;

		if (!takes_lines(kind) || piece_share(making, kind, header->hash, header->size))
			continue;
		result = piece_new(making, kind, header->hash, header->size);
		if (result != 0)
			return result;
		memcpy(piece_memory(making, kind), header, header->size);
	}
	return 0;
}

static bool shares(const struct making *making, unsigned kind)
{
	return making->made->table[kind].first == making->running->table[kind].first;
}

/*
 * Whether the running generation's direct table will do, with what is new marked in it, as that
 * tells nobody anything wrong.
 */
static bool direct_does(struct making *making)
{
	const struct generation *before = making->running;
	struct generation *made = making->made;

	if (!before || !before->table[SEGMENT_KINDS].count || !shares(making, SEGMENT_ORIGINS) ||
	    !shares(making, SEGMENT_SINGLES))
		return false;
	made->in_vain =
		before->in_vain + (before->wide > made->wide ? before->wide - made->wide : 0);
	return made->in_vain < DIRECT_IN_VAIN;
}

static int fill_direct(struct making *making)
{
	struct generation *made = making->made;
	int result;

	made->wide = image_direct4_wide(making->image);
	if (direct_does(making)) {
		made->table[SEGMENT_KINDS] = making->running->table[SEGMENT_KINDS];
		for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
			if (!shares(making, kind))
				image_direct4_add(making->image, kind,
						  piece_memory(making, SEGMENT_KINDS));
		}
		return 0;
	}
	made->in_vain = 0;
	result = piece_new(making, SEGMENT_KINDS, 0, DIRECT_BYTES);
	if (result == 0)
		image_direct4(making->image, piece_memory(making, SEGMENT_KINDS));
	return result;
}

static int fill_rules(struct making *making)
{
	uint32_t count = making->image->rule_count;
	struct piece piece = {.count = count};
	int result = find_room(making->all, true, count, &piece.first);

	if (result != 0)
		return result;
	making->made->rules = piece;
	if (count > 0)
		memcpy(&making->all->rules[piece.first], making->image->rules,
		       count * sizeof(struct rule));
	return 0;
}

/* Where in the arena what `pointer` points to is; what is in no table is the empty line. */
static uint64_t place_of(const struct making *making, const void *pointer)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct piece *piece = &making->made->table[kind];
		uint64_t offset = (uint64_t)pointer - (uint64_t)making->segments[kind];

		if (piece->count && offset < piece->size)
			return (uint64_t)piece->first * TWIN_LINE + offset;
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
		offsetof(struct image, services),      offsetof(struct image, fallbacks),
	};
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

static void fill_root(const struct making *making)
{
	const struct generation *made = making->made;
	struct twin_root *root = &making->all->roots[made - making->all->generation];
	uint64_t direct = (uint64_t)made->table[SEGMENT_KINDS].first * TWIN_LINE;

	root->image = *making->image;
	put_places(making, &root->image);
	memcpy(&root->image.direct4, &direct, sizeof direct);
	root->settings = *making->image->settings;
	root->first_rule = made->rules.first;
	root->timed = image_timed(making->segments, making->image);
	root->serial = ++making->all->serial;
}

/* Begin the next generation; there is always room for one, if need be after a wait. */
static struct generation *begin(struct generations *all)
{
	sweep(all);
	for (;;) {
		for (unsigned i = 0; i < TWIN_ROOTS; i++) {
			struct generation *made = &all->generation[i];

			if (made->use == GENERATION_NONE) {
				made->use = GENERATION_PREPARED;
				return made;
			}
		}
		wait_for_one(all);
	}
}

int generations_prepare(struct generations *all, void *const segments[SEGMENT_KINDS],
			const struct image *image, bool direct)
{
	struct making making = {.all = all, .segments = segments, .image = image};
	int result;

	for (unsigned i = 0; i < SINGLES_LAYERS; i++) {
		if (longest_run(&image->singles[i]) >= TURNS_SINGLES / 2)
			return -E2BIG;
	}
	generations_abandon(all);
	making.running = running(all);
	making.made = begin(all);
	result = fill_tables(&making);
	if (result == 0 && direct)
		result = fill_direct(&making);
	if (result == 0)
		result = fill_rules(&making);
	if (result == 0)
		fill_root(&making);
	else
		generations_abandon(all);
	return result;
}

static struct generation *prepared(struct generations *all)
{
	for (unsigned i = 0; i < TWIN_ROOTS; i++) {
		if (all->generation[i].use == GENERATION_PREPARED)
			return &all->generation[i];
	}
	return NULL;
}

void generations_commit(struct generations *all, uint64_t generation)
{
	struct generation *next = prepared(all), *former = running(all);
	uint32_t root;

	if (!next)
		return;
	root = (uint32_t)(next - all->generation);
	all->roots[root].generation = generation;
	next->use = GENERATION_ACTIVE;
	__atomic_store_n(&all->active->root, root + 1, __ATOMIC_RELEASE);
	if (former) {
		former->use = GENERATION_FORMER;
		former->grace = grace_ask(all->grace);
	}
}

void generations_abandon(struct generations *all)
{
	struct generation *given_up = prepared(all);

	if (given_up)
		*given_up = (struct generation){0};
}

int generations_open(struct generations *all, struct twin_bpf *bpf, uint32_t lines)
{
	all->lines = lines;
	all->arena = twin_map(bpf_map__fd(bpf->maps.arena), (size_t)lines * TWIN_LINE);
	all->roots = twin_map(bpf_map__fd(bpf->maps.roots), TWIN_ROOTS * sizeof *all->roots);
	all->rules = twin_map(bpf_map__fd(bpf->maps.rules), TWIN_RULES * sizeof *all->rules);
	all->active = twin_map(bpf_map__fd(bpf->maps.active), sizeof *all->active);
	if (!all->arena || !all->roots || !all->rules || !all->active)
		return -errno;
	return grace_open(&all->grace);
}

void generations_close(struct generations *all)
{
	grace_close(all->grace);
	if (all->arena)
		munmap(all->arena, (size_t)all->lines * TWIN_LINE);
	if (all->roots)
		munmap(all->roots, TWIN_ROOTS * sizeof *all->roots);
	if (all->rules)
		munmap(all->rules, TWIN_RULES * sizeof *all->rules);
	if (all->active)
		munmap(all->active, sizeof *all->active);
}

uint32_t twin_lines_needed(void *const segments[SEGMENT_KINDS], bool direct)
{
	uint32_t lines = 1 + (direct ? lines_of(DIRECT_BYTES) : 0);

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		const struct segment_header *header = segments[kind];

		if (takes_lines(kind))
			lines += lines_of(header->size);
	}
	return lines;
}
