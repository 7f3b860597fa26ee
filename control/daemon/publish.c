/* SPDX-License-Identifier: BSD-3-Clause */
/* Publication. See publish.h. */
#include "daemon/publish.h"

#include "daemon/clock.h"

#include <string.h>

enum {
	TIMEOUT_US = 5000000, /* to load a million prefixes on a host that is busy */
	/*
	 * After an answer, the disk: a sync takes longer than the next change may wait, so
	 * that those of a burst share one.
	 */
	KEEP_AFTER_US = 200000,
	KEEP_AGAIN_US = 5000000, /* after a failure */
	/* Others wait as long, so it is no longer than a change mostly takes. */
	WAIT_NS = 1000000,
};

void edition_free(struct edition *edition)
{
	policy_free(edition->policy);
	compiled_unref(&edition->compiled);
	*edition = (struct edition){0};
}

/* Workers cross within microseconds of the loader's being done, which may take longer. */
static uint64_t poll_step_us(uint64_t waited_us)
{
	if (waited_us < 2000)
		return 50;
	return waited_us < 20000 ? 250 : 2000;
}

static int timer_set(sd_event_source *timer, uint64_t at_us)
{
	int result = sd_event_source_set_time(timer, at_us);

	return result < 0 ? result : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void keep_now(struct publisher *publisher)
{
	struct error error = {0};

	if (store_keep(publisher->store, &publisher->published, &error) == 0) {
		publisher->kept = true;
		error.code = ERROR_NONE;
		if (publisher->damaged && strcmp(publisher->damaged, STATE_CURRENT) == 0)
			publisher->damage.code = ERROR_NONE;
	}
	publisher->keep_due = false;
	publisher->unkept = error;
}

/* Keep, and if that fails again and again. 0, or -errno: there is no timer for it. */
static int keep(struct publisher *publisher)
{
	keep_now(publisher);
	return publisher->kept ? 0 : timer_set(publisher->keep, clock_us() + KEEP_AGAIN_US);
}

/* What is under way when the time comes may yet be refused: its end keeps then. */
static void keep_soon(struct publisher *publisher)
{
	int enabled = SD_EVENT_OFF;

	publisher->kept = false;
	sd_event_source_get_enabled(publisher->keep, &enabled);
	if (enabled == SD_EVENT_OFF && timer_set(publisher->keep, clock_us() + KEEP_AFTER_US) < 0)
		keep_now(publisher);
}

/* Write an edition as the generation `number`, to be wanted from now on. */
static int announce(struct publisher *publisher, const struct edition *edition, uint64_t number,
		    struct error *error)
{
	const struct compiled *previous =
		publisher->active.generation ? &publisher->active.compiled : NULL;
	struct manifest manifest;

	compiled_manifest(&edition->compiled, number, clock_utc_ns(), &edition->ledger, &manifest);
	if (store_put(publisher->store, &manifest, &edition->compiled, previous, error))
		return -1;
	publisher->published = manifest;
	publisher->kept = false;
	boards_announce(publisher->boards, number);
	return 0;
}

/*
 * The generation under way will not be: what was active before becomes a generation of
 * its own, so that a data plane that is only slow, or starts anew, ends up there too.
 */
static void roll_back(struct publisher *publisher)
{
	struct edition *active = &publisher->active;
	struct error error;

	if (active->generation == 0) {
		store_forget_wanted(publisher->store);
		boards_announce(publisher->boards, 0);
		return;
	}
	if (announce(publisher, active, publisher->highest + 1, &error)) {
		/* What was refused must not be kept in its place. */
		publisher->unkept = error;
		publisher->keep_due = false;
		timer_set(publisher->keep, clock_us() + KEEP_AGAIN_US);
		return;
	}
	active->generation = ++publisher->highest;
	twinning_renew(publisher->twinning, &active->compiled, active->generation);
	keep_soon(publisher);
}

/* Whether `wanted` names what is active: not so when it could not be rolled back. */
static bool is_wanted(const struct publisher *publisher)
{
	return publisher->published.generation == publisher->active.generation;
}

static int on_keep(sd_event_source *source, uint64_t at_us, void *context)
{
	struct publisher *publisher = context;

	(void)source;
	(void)at_us;
	publisher->keep_due = publisher_busy(publisher);
	if (publisher->keep_due || publisher->kept)
		return 0;
	if (is_wanted(publisher))
		return keep(publisher);
	roll_back(publisher);
	return 0;
}

static void end(struct publisher *publisher, uint32_t workers, const struct error *error)
{
	publish_done *done = publisher->done;

	publisher->done = NULL;
	if (error) {
		twinning_abandon(publisher->twinning);
		edition_free(&publisher->next);
		roll_back(publisher);
	} else {
		twinning_commit(publisher->twinning, publisher->next.generation);
		edition_free(&publisher->active);
		publisher->active = publisher->next;
		publisher->next = (struct edition){0};
		memset(&publisher->damage, 0, sizeof publisher->damage);
	}
	done(publisher->context, workers, error);
	if (publisher->kept)
		return;
	if (publisher->keep_due)
		keep(publisher);
	else if (!error)
		keep_soon(publisher);
}

/* With nobody to cross to it, a generation is what is on disk. */
static void end_alone(struct publisher *publisher)
{
	struct error unkept;

	keep_now(publisher);
	if (!publisher->kept) {
		unkept = publisher->unkept;
		end(publisher, 0, &unkept);
	} else {
		end(publisher, 0, NULL);
	}
}

/* See how far the data plane is with the next generation. 0, or -errno: there is no timer. */
static int look(struct publisher *publisher)
{
	const struct board_dataplane *dataplane = boards_dataplane(publisher->boards);
	uint64_t generation = publisher->next.generation, now_us = clock_us();
	struct board_refusal refusal;
	struct error error;

	if (!dataplane && twinning_enforces(publisher->twinning)) {
		end(publisher, 0, NULL);
	} else if (!dataplane) {
		end_alone(publisher);
	} else if (dataplane_generation(dataplane) >= generation) {
		end(publisher, dataplane_workers(dataplane), NULL);
	} else if (dataplane_refused(dataplane, generation, &refusal)) {
		error_set(&error, ERROR_DEGRADED, "", "the data plane refuses it: %s",
			  refusal.message);
		end(publisher, 0, &error);
	} else if (now_us - publisher->began_us >= TIMEOUT_US) {
		error_set(&error, ERROR_TIMEOUT, "",
			  "the data plane did not cross to it within %d ms", TIMEOUT_US / 1000);
		end(publisher, 0, &error);
	} else {
		return timer_set(publisher->poll,
				 now_us + poll_step_us(now_us - publisher->began_us));
	}
	return 0;
}

static int on_waited(sd_event_source *source, void *context)
{
	(void)source;
	return look(context);
}

static int on_poll(sd_event_source *source, uint64_t at_us, void *context)
{
	(void)source;
	(void)at_us;
	return look(context);
}

bool publisher_busy(const struct publisher *publisher)
{
	return publisher->done != NULL;
}

int publish(struct publisher *publisher, struct policy *policy, struct compiled *compiled,
	    publish_done *done, void *context, struct error *error)
{
	const struct edition *active = &publisher->active;
	struct edition next = {
		.generation = publisher->highest + 1,
		.policy = policy,
		.compiled = *compiled,
	};

	*compiled = (struct compiled){0};
	if (twinning_prepare(publisher->twinning, &next.compiled, error) ||
	    store_put_entries(publisher->store, active->policy, &active->ledger, policy,
			      &next.ledger, error) ||
	    announce(publisher, &next, next.generation, error)) {
		twinning_abandon(publisher->twinning);
		edition_free(&next);
		return -1;
	}
	publisher->highest = next.generation;
	publisher->next = next;
	publisher->done = done;
	publisher->context = context;
	publisher->began_us = clock_us();
	boards_wait(publisher->boards, next.generation, WAIT_NS);
	/* `done` is not called before we return. */
	if (sd_event_source_set_enabled(publisher->waited, SD_EVENT_ONESHOT) < 0) {
		publisher->done = NULL;
		twinning_abandon(publisher->twinning);
		edition_free(&publisher->next);
		roll_back(publisher);
		return error_set(error, ERROR_CAPACITY, "", "no event source");
	}
	return 0;
}

/* The policy behind manifest `name`, from the document among its segments and its ledger. */
static int edition_open(const struct store *store, const char *name, struct edition *edition,
			struct error *error)
{
	const char *document = edition->compiled.segment[SEGMENT_DOCUMENT]->data;
	const char *rules = edition->compiled.segment[SEGMENT_RULES]->data;
	const struct segment_array *text =
		&((const struct segment_header *)(const void *)document)->array[DOCUMENT_TEXT];
	const struct segment_array *settings =
		&((const struct segment_header *)(const void *)rules)->array[RULES_SETTINGS];
	struct error inner;

	if (policy_parse(document + text->offset, text->count, 0, &edition->policy, &inner))
		return store_fault(store, name, error, "document: %s: %s", inner.path,
				   inner.message);
	memcpy(edition->policy->salt,
	       ((const struct settings *)(const void *)(rules + settings->offset))->salt,
	       sizeof edition->policy->salt);
	edition->policy->has_salt = true;
	if (store_load_entries(store, &edition->ledger, edition->policy, error))
		return -1;
	if (compiled_keep(&edition->compiled, edition->policy))
		return store_fault(store, name, error, "no memory");
	return 0;
}

/* Load one manifest's edition. What is damaged is noted, and its number never used again. */
static void load(struct publisher *publisher, const char *name, struct manifest *manifest,
		 struct edition *edition)
{
	enum store_found found;
	struct error error;

	found = store_load(publisher->store, name, manifest, &edition->compiled, &error);
	if (manifest->generation > publisher->highest)
		publisher->highest = manifest->generation;
	if (found == STORE_ABSENT)
		return;
	edition->generation = manifest->generation;
	edition->ledger = manifest->ledger;
	if (found == STORE_BAD || edition_open(publisher->store, name, edition, &error)) {
		edition_free(edition);
		/* Whoever died while writing it had not lost `wanted` yet. */
		if (strcmp(name, STATE_FORMER) == 0)
			return;
		publisher->damage = error;
		publisher->damaged = name;
	}
}

/* One edition more to choose from: the newer one stays. */
static void prefer_newer(struct publisher *publisher, const struct manifest *manifest,
			 struct edition *edition)
{
	if (edition->generation <= publisher->active.generation) {
		edition_free(edition);
		return;
	}
	edition_free(&publisher->active);
	publisher->active = *edition;
	publisher->published = *manifest;
}

/* The newest of the manifests' editions, unless the data plane has refused it. */
static void restore(struct publisher *publisher)
{
	static const char *const names[] = {STATE_CURRENT, STATE_FORMER, STATE_WANTED};
	const struct board_dataplane *dataplane = boards_dataplane(publisher->boards);
	struct board_refusal refusal;
	uint64_t durable = 0;
	bool refused = false;

	for (unsigned i = 0; i < 3; i++) {
		struct edition edition = {0};
		struct manifest manifest;

		/* As a rule `wanted` is `current` by now. */
		if (store_has(publisher->store, names[i], &publisher->published))
			continue;
		load(publisher, names[i], &manifest, &edition);
		refused = dataplane && dataplane_refused(dataplane, edition.generation, &refusal);
		if (refused)
			edition_free(&edition);
		prefer_newer(publisher, &manifest, &edition);
		if (i == 0)
			durable = publisher->active.generation;
	}
	publisher->kept = publisher->active.generation == durable;
	if (publisher->active.generation)
		twinning_renew(publisher->twinning, &publisher->active.compiled,
			       publisher->active.generation);
	if (refused)
		roll_back(publisher);
	else if (!publisher->kept)
		keep_soon(publisher);
	if (publisher->active.generation > boards_announced(publisher->boards))
		boards_announce(publisher->boards, publisher->active.generation);
}

/* None of them is enabled yet. 0, or -errno. */
static int add_sources(sd_event *event, struct publisher *publisher)
{
	int result = sd_event_add_defer(event, &publisher->waited, on_waited, publisher);

	if (result >= 0)
		result = sd_event_add_time(event, &publisher->poll, CLOCK_MONOTONIC, 0, 1, on_poll,
					   publisher);
	if (result >= 0)
		result = sd_event_add_time(event, &publisher->keep, CLOCK_MONOTONIC, 0, 1, on_keep,
					   publisher);
	if (result < 0)
		return result;
	sd_event_source_set_enabled(publisher->waited, SD_EVENT_OFF);
	sd_event_source_set_enabled(publisher->poll, SD_EVENT_OFF);
	sd_event_source_set_enabled(publisher->keep, SD_EVENT_OFF);
	return 0;
}

int publisher_open(sd_event *event, struct store *store, struct boards *boards,
		   struct twinning *twinning, struct publisher *publisher, struct error *error)
{
	*publisher = (struct publisher){
		.store = store,
		.boards = boards,
		.twinning = twinning,
		.highest = boards_highest(boards),
	};
	if (add_sources(event, publisher) < 0)
		return error_set(error, ERROR_DEGRADED, "", "no event sources");
	restore(publisher);
	if (publisher->active.generation || publisher->damage.code)
		return 0;
	publisher->active.policy = policy_empty();
	return publisher->active.policy ? 0 : error_set(error, ERROR_CAPACITY, "", "no memory");
}

void publisher_close(struct publisher *publisher)
{
	bool idle = publisher->active.generation && !publisher_busy(publisher);

	if (idle && !is_wanted(publisher))
		roll_back(publisher);
	if (idle && is_wanted(publisher) && !publisher->kept)
		keep_now(publisher);
	sd_event_source_disable_unref(publisher->waited);
	sd_event_source_disable_unref(publisher->poll);
	sd_event_source_disable_unref(publisher->keep);
	edition_free(&publisher->active);
	edition_free(&publisher->next);
}
