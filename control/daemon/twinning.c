/* SPDX-License-Identifier: BSD-3-Clause */
/* See twinning.h. */
#include "daemon/twinning.h"

#include "daemon/clock.h"
#include "bpf/join.h"
#include "slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the arena of a twin without a policy; with one it has what that takes. */
enum { ARENA_FIRST = 1 << 16 };

enum {
	RETRY_FIRST_US = 1000000,
	RETRY_DOUBLINGS = 5,     /* to 32 s: making it takes the loop's time, seconds perhaps */
	LOOK_AFTER_US = 2000000, /* an interface may go, and come back */
};

static void tables_free(struct twin_tables *tables)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segment_unref(tables->segment[kind]);
	free(tables->rules);
	*tables = (struct twin_tables){0};
}

/* Its name, really: equal ones hold the same. */
static uint64_t hash_of(const struct segment *segment)
{
	return ((const struct segment_header *)segment->data)->hash;
}

static bool is_held(const struct twinning *twinning, const struct twin_tables *tables,
		    enum segment_kind kind)
{
	const struct twin_tables *active = &twinning->active;

	return active->loaded && active != tables &&
	       hash_of(active->segment[kind]) == hash_of(tables->segment[kind]);
}

static void *copy(const struct segment *segment)
{
	size_t size = (segment->size + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
	void *data = aligned_alloc(IMAGE_ALIGN, size);

	return data ? memcpy(data, segment->data, segment->size) : NULL;
}

/*
 * The segments as a loader wants them: rules that can have slots, and expiries on the boot clock.
 * The daemon's own have neither. What the twin holds already it does not look at again.
 * own[] gets the copies among them. 0 or -ENOMEM.
 */
static int translate(const struct twinning *twinning, const struct twin_tables *tables,
		     void *segments[SEGMENT_KINDS], void *own[SEGMENT_KINDS])
{
	int64_t utc_minus_boot_ns = (int64_t)(clock_utc_ns() - clock_ns(CLOCK_BOOTTIME));

	for (unsigned i = 0; i < SEGMENT_KINDS; i++) {
		enum segment_kind kind = (enum segment_kind)i;
		bool expires = segment_expiries(kind) >= 0 && !is_held(twinning, tables, kind);

		segments[kind] = tables->segment[kind]->data;
		if (kind != SEGMENT_RULES && !expires)
			continue;
		segments[kind] = own[kind] = copy(tables->segment[kind]);
		if (!own[kind])
			return -ENOMEM;
		segment_rebase_expiry(kind, own[kind], utc_minus_boot_ns);
	}
	return 0;
}

/* Who shares the buckets gives out slots one at a time. */
static int assign_slots(struct twinning *twinning, struct image *image)
{
	const struct image *running = twinning->active.loaded ? &twinning->active.image : NULL;
	int lock = join_lock_slots(twinning->run_folder);

	if (lock < 0)
		return lock;
	slots_assign(twin_state(twinning->twin), image, running);
	close(lock);
	return 0;
}

static int give(struct twinning *twinning, void *const segments[SEGMENT_KINDS],
		struct twin_tables *tables, struct error *error)
{
	struct image_error found;
	struct twin_error why;
	bool direct;
	int result;

	if (image_open(segments, &tables->image, &found))
		return error_set(error, ERROR_DEGRADED, "", "the image is not sound: %s %s: %s",
				 found.segment, found.array, found.message);
	if ((result = assign_slots(twinning, &tables->image)))
		return error_set(error, ERROR_DEGRADED, "", "the rules' slots cannot be locked: %s",
				 strerror(-result));
	direct = tables->image.origin.ip4.count > DIRECT_RANGES;
	result = twin_prepare(twinning->twin, segments, &tables->image, direct, &why);
	if (result == -ENOSPC)
		twinning->arena_lines += 2 * twin_lines_needed(segments, direct);
	if (result)
		return error_set(error, ERROR_DEGRADED, "", "the twin refuses it: %s", why.message);
	return 0;
}

/* Prepare the twin for these tables, which stay ours. 0, or -1 with *error. */
static int load(struct twinning *twinning, struct twin_tables *tables, struct error *error)
{
	void *segments[SEGMENT_KINDS], *own[SEGMENT_KINDS] = {NULL};
	int result = translate(twinning, tables, segments, own);

	if (result)
		error_set(error, ERROR_DEGRADED, "", "no memory for the twin's tables");
	else
		result = give(twinning, segments, tables, error);
	if (result == 0) {
		free(tables->rules);
		tables->rules = own[SEGMENT_RULES];
		own[SEGMENT_RULES] = NULL;
		tables->loaded = true;
	}
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		free(own[kind]);
	return result;
}

static int make(struct twinning *twinning, struct error *error);
static void let_go(struct twinning *twinning);
static void try_at(struct twinning *twinning, uint64_t delay_us);

/*
 * As load(); where there is too little room for tables, by another twin, with more, which takes
 * over from the first as after a restart of the daemon.
 */
static int load_growing(struct twinning *twinning, struct twin_tables *tables, struct error *error)
{
	const uint32_t lines = twinning->arena_lines;
	struct twin_error why;

	if (load(twinning, tables, error) == 0)
		return 0;
	if (twinning->arena_lines == lines)
		return -1;
	let_go(twinning);
	try_at(twinning, RETRY_FIRST_US);
	if (make(twinning, error))
		return -1;
	twinning->attached = twinning->active.loaded && twin_attach(twinning->twin, &why) == 0;
	return load(twinning, tables, error);
}

int twinning_prepare(struct twinning *twinning, const struct compiled *compiled,
		     struct error *error)
{
	struct twin_tables next = {0};

	if (!twinning->options)
		return 0;
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		next.segment[kind] = segment_ref(compiled->segment[kind]);
	if (twinning->twin && load_growing(twinning, &next, error)) {
		tables_free(&next);
		return -1;
	}
	twinning->next = next;
	twinning->pending = true;
	return 0;
}

void twinning_abandon(struct twinning *twinning)
{
	if (twinning->next.loaded)
		twin_abandon(twinning->twin);
	tables_free(&twinning->next);
	twinning->pending = false;
}

/* The twin is of no use any more but for what is pinned, which works on. */
static void let_go(struct twinning *twinning)
{
	twin_close(twinning->twin);
	twinning->twin = NULL;
	twinning->active.loaded = twinning->next.loaded = false;
	twinning->attached = false;
}

static void try_at(struct twinning *twinning, uint64_t delay_us)
{
	sd_event_source_set_time(twinning->timer, clock_us() + delay_us);
	sd_event_source_set_enabled(twinning->timer, SD_EVENT_ONESHOT);
}

/* How many lines there are to be for the active generation and the next. */
static uint32_t lines_for(const struct twinning *twinning)
{
	void *segments[SEGMENT_KINDS];
	const struct segment_header *origins;
	uint32_t lines = ARENA_FIRST;

	if (twinning->active.generation != 0) {
		for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
			segments[kind] = twinning->active.segment[kind]->data;
		origins = segments[SEGMENT_ORIGINS];
		lines = 2 * twin_lines_needed(segments,
					      origins->array[ORIGINS_FIRST4].count > DIRECT_RANGES);
	}
	return lines > twinning->arena_lines ? lines : twinning->arena_lines;
}

/* Make the twin, with the active generation in force if there is one. 0, or -1 with *error. */
static int make(struct twinning *twinning, struct error *error)
{
	struct twin_tables *active = &twinning->active;
	struct twin_options options = *twinning->options;
	struct twin_error why;

	options.now_ns = clock_ns(CLOCK_BOOTTIME);
	options.arena_lines = twinning->arena_lines = lines_for(twinning);
	if (twin_open(&options, &twinning->twin, &why))
		return error_set(error, ERROR_DEGRADED, "", "%s", why.message);
	if (active->generation == 0)
		return 0;
	if (load(twinning, active, error)) {
		let_go(twinning);
		return -1;
	}
	twin_commit(twinning->twin, active->generation);
	return 0;
}

unsigned twinning_interfaces(const struct twinning *twinning,
			     struct twin_interface interfaces[TWIN_INTERFACES])
{
	const struct twin_options *options = twinning->options;
	unsigned count = 0;

	if (twinning->twin)
		return twin_interfaces(twinning->twin, interfaces);
	for (unsigned i = 0; options && i < options->pairs * PORT_ROLES; i++) {
		const char *name = options->pair[i / PORT_ROLES].name[i % PORT_ROLES];

		if (!*name)
			continue;
		interfaces[count] = (struct twin_interface){.role = i % PORT_ROLES};
		memcpy(interfaces[count++].name, name, IF_NAMESIZE);
	}
	return count;
}

/* Whether all interfaces have their program; of the edge ones, if these are all that matter. */
static bool is_attached(const struct twinning *twinning, bool edges_only)
{
	struct twin_interface interfaces[TWIN_INTERFACES];
	unsigned count = twinning_interfaces(twinning, interfaces);

	for (unsigned i = 0; i < count; i++) {
		if (!interfaces[i].attached && (interfaces[i].role == PORT_EDGE || !edges_only))
			return false;
	}
	return twinning->active.loaded;
}

bool twinning_filters(const struct twinning *twinning)
{
	return is_attached(twinning, true);
}

bool twinning_enforces(const struct twinning *twinning)
{
	return twinning->active.loaded && twinning->attached;
}

bool twinning_serving(const struct twinning *twinning)
{
	return twinning->twin && twin_serving(twinning->twin);
}

static int bring_up(struct twinning *twinning, struct error *error)
{
	struct twin_error why;

	if (!twinning->twin && make(twinning, error))
		return -1;
	if (twinning->active.generation == 0)
		return error_set(error, ERROR_DEGRADED, "",
				 "it has no policy yet, and is attached with the first");
	if (twin_attach(twinning->twin, &why))
		return error_set(error, ERROR_DEGRADED, "", "%s", why.message);
	return 0;
}

/* See that all is as it should be, and when to look again. 0, or -1 with the problem set. */
static int attempt(struct twinning *twinning)
{
	struct error error = {0};

	/* What is attached at first is another daemon's. */
	twinning->attached = (twinning->attached && is_attached(twinning, false)) ||
			     bring_up(twinning, &error) == 0;
	if (twinning->attached) {
		twinning->problem = (struct error){0};
		twinning->failures = 0;
		try_at(twinning, LOOK_AFTER_US);
		return 0;
	}
	twinning->problem = error;
	try_at(twinning, RETRY_FIRST_US << twinning->failures);
	if (twinning->failures < RETRY_DOUBLINGS)
		twinning->failures++;
	return -1;
}

void twinning_commit(struct twinning *twinning, uint64_t generation)
{
	bool first = !twinning->active.generation;

	if (!twinning->pending)
		return;
	if (twinning->next.loaded)
		twin_commit(twinning->twin, generation);
	tables_free(&twinning->active);
	twinning->active = twinning->next;
	twinning->active.generation = generation;
	twinning->next = (struct twin_tables){0};
	twinning->pending = false;
	/* So that the first is in force as well when it is answered. */
	if (first && twinning->twin)
		attempt(twinning);
}

void twinning_renew(struct twinning *twinning, const struct compiled *compiled, uint64_t generation)
{
	struct error error;

	if (twinning_prepare(twinning, compiled, &error) == 0) {
		twinning_commit(twinning, generation);
		return;
	}
	twinning->problem = error;
	/* It is tried again with one made anew. */
	let_go(twinning);
	if (twinning_prepare(twinning, compiled, &error) == 0)
		twinning_commit(twinning, generation);
	try_at(twinning, RETRY_FIRST_US);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *context)
{
	struct twinning *twinning = context;

	(void)source;
	(void)at_us;
	/* Not between a preparation and its end. */
	if (twinning->pending)
		try_at(twinning, RETRY_FIRST_US);
	else
		attempt(twinning);
	return 0;
}

void twinning_start(struct twinning *twinning)
{
	if (twinning->options)
		attempt(twinning);
}

int twinning_detach(struct twinning *twinning, struct error *error)
{
	struct twin_error why;

	if (!twinning->options)
		return error_set(error, ERROR_INVALID, "",
				 "this daemon has no twin: see sluiced "
				 "--detach for one that is left");
	sd_event_source_set_enabled(twinning->timer, SD_EVENT_OFF);
	twinning->detached = true;
	twinning->problem = (struct error){0};
	let_go(twinning);
	if (twin_detach(twinning->options->pins, &why) == 0)
		return 0;
	error_set(error, ERROR_DEGRADED, "", "%s", why.message);
	twinning->problem = *error;
	return -1;
}

int twinning_attach(struct twinning *twinning, struct error *error)
{
	if (!twinning->options)
		return error_set(error, ERROR_INVALID, "",
				 "this daemon was started without --twin");
	if (twinning->pending)
		return error_set(error, ERROR_LOCKED, "", "a change is under way");
	twinning->detached = false;
	twinning->failures = 0;
	if (attempt(twinning) == 0)
		return 0;
	*error = twinning->problem;
	return -1;
}

int twinning_open(sd_event *event, const struct twin_options *options, int run_folder,
		  struct twinning *twinning)
{
	int result = 0;

	*twinning = (struct twinning){.options = options, .run_folder = run_folder};
	if (options)
		result = sd_event_add_time(event, &twinning->timer, CLOCK_MONOTONIC, 0, 1, on_timer,
					   twinning);
	if (result < 0)
		return result;
	sd_event_source_set_enabled(twinning->timer, SD_EVENT_OFF);
	return 0;
}

void twinning_close(struct twinning *twinning)
{
	twinning_abandon(twinning);
	sd_event_source_disable_unref(twinning->timer);
	twin_close(twinning->twin);
	tables_free(&twinning->active);
}
