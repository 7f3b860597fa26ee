/* SPDX-License-Identifier: BSD-3-Clause */
/* See reload.h. */
#include "reload.h"
#include "clock.h"
#include "bpf/join.h"
#include "say.h"
#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUND_MS = 100,
	/* A busy worker crosses after its burst, which is sooner than the shortest sleep ends. */
	CROSSING_SPINS = 1000,
	CROSSING_PAUSE_NS = 5000,
};

uint64_t reload_generation(const struct reload *reload)
{
	return reload->running ? reload->running->number : 0;
}

static void refuse(struct reload *reload, const struct board_refusal *refusal)
{
	say("generation %" PRIu64 " is refused: %s", refusal->generation, refusal->message);
	publish_refusal(reload->publish, refusal);
}

/* What the image asks of this data plane and its ports. */
static int check_ports(const struct reload *reload, const struct generation *generation,
		       struct board_refusal *refusal)
{
	const char *fallback = generation_fallback_port(generation);

	if (!fallback || !reload->no_fallback)
		return 0;
	snprintf(refusal->message, sizeof refusal->message,
		 "fallback \"%s\" is behind a fallback port, and pair %s has none", fallback,
		 reload->no_fallback);
	return -EOPNOTSUPP;
}

static int check_number(const struct generation *generation, uint64_t at_least,
			struct board_refusal *refusal)
{
	if (generation->number >= at_least)
		return 0;
	snprintf(refusal->message, sizeof refusal->message,
		 "the manifest on disk is still of generation %" PRIu64, generation->number);
	return -ESTALE;
}

/* Workers are using the running image's slots, and those alone. */
static int assign_slots(struct reload *reload, struct generation *generation,
			struct board_refusal *refusal)
{
	const struct generation *running = reload->running;
	struct counters *counters = reload->publish->counters;
	int lock = -1;

	if (reload->shares_slots) {
		lock = join_lock_slots(reload->run_folder);
		if (lock < 0) {
			snprintf(refusal->message, sizeof refusal->message,
				 "the rules' slots cannot be locked: %s", strerror(-lock));
			return lock;
		}
	}
	slots_assign(reload->state, &generation->image, running ? &running->image : NULL);
	slots_count(counters->slot_rule, counters->worker, counters->workers, &generation->image);
	if (lock >= 0)
		close(lock);
	return 0;
}

/* Load manifest `name`, of generation `at_least` or a later one, ready to be crossed to. */
static int load(struct reload *reload, const char *name, uint64_t at_least,
		struct generation **loaded, struct board_refusal *refusal)
{
	int64_t utc_minus_boot_ns = (int64_t)(clock_utc_ns() - clock_boot_ns());
	const struct generation *running = reload->running;
	struct generation *generation;
	int result = generation_load(reload->state_dir, name, running, utc_minus_boot_ns,
				     &generation, refusal);

	if (result)
		return result;
	result = check_number(generation, at_least, refusal);
	if (!result)
		result = check_ports(reload, generation, refusal);
	/* Rules in a shared segment have their slots, and workers are reading them. */
	if (!result && (!running || generation->image.rules != running->image.rules))
		result = assign_slots(reload, generation, refusal);
	if (result)
		generation_free(generation);
	else
		*loaded = generation;
	return result;
}

/* Wait for every worker to cross, and say so. False: they are stopping, and some may not have. */
static bool workers_crossed(const struct reload *reload)
{
	const struct timespec pause = {.tv_nsec = CROSSING_PAUSE_NS};
	unsigned workers = reload->publish->board->workers;

	for (unsigned spins = 0; !crossing_done(reload->crossing, workers); spins++) {
		if (spins < CROSSING_SPINS)
			continue;
		if (__atomic_load_n(reload->stopping, __ATOMIC_ACQUIRE))
			return false;
		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&reload->publish->board->generation, reload_generation(reload),
			 __ATOMIC_RELEASE);
	publish_ring(reload->publish);
	return true;
}

static void cross(struct reload *reload, struct generation *generation)
{
	reload->former = reload->running;
	reload->running = generation;
	crossing_begin(reload->crossing, generation);
	if (!workers_crossed(reload))
		return;
	generation_free(reload->former);
	reload->former = NULL;
}

static void cross_to_wanted(struct reload *reload, uint64_t wanted)
{
	struct board_refusal refusal = {.generation = wanted};
	struct generation *generation;

	if (wanted < reload_generation(reload)) {
		snprintf(refusal.message, sizeof refusal.message,
			 "it is older than the running one, %" PRIu64, reload_generation(reload));
		refuse(reload, &refusal);
		return;
	}
	if (load(reload, STATE_WANTED, wanted, &generation, &refusal)) {
		refusal.generation = wanted;
		refuse(reload, &refusal);
		return;
	}
	cross(reload, generation);
	say("generation %" PRIu64 " is enforced", reload->running->number);
}

/* The last good image; or, if that is damaged, what else is whole. */
static void load_from_disk(struct reload *reload)
{
	static const char *const manifests[] = {STATE_CURRENT, STATE_WANTED, STATE_FORMER};
	struct board_refusal refusal;

	for (unsigned i = 0; i < 3 && !reload->running; i++) {
		int result = load(reload, manifests[i], 0, &reload->running, &refusal);

		if (result && result != -ENOENT)
			refuse(reload, &refusal);
	}
	crossing_begin(reload->crossing, reload->running);
}

void reload_start(struct reload *reload, const char *run_dir)
{
	bool daemon;
	uint64_t ignored;

	reload->run_folder = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	follow_open(&reload->follow, run_dir);
	daemon = follow_daemon_lives(&reload->follow);
	load_from_disk(reload);
	/* What a dead daemon last asked for is not asked for any more. */
	if (!daemon)
		follow_rung(&reload->follow, &ignored);
	if (!reload->running) {
		say("WARNING: NO USABLE IMAGE in %s: NOTHING IS FILTERED, every packet passes",
		    reload->state_dir);
		return;
	}
	reload->publish->board->from_disk = !daemon;
	if (daemon)
		say("filtering by generation %" PRIu64, reload->running->number);
	else
		say("daemon absent: filtering by the last good image, generation %" PRIu64,
		    reload->running->number);
}

static void heed_daemon(struct reload *reload)
{
	uint32_t *from_disk = &reload->publish->board->from_disk;
	uint64_t wanted;

	follow_refresh(&reload->follow);
	if (follow_rung(&reload->follow, &wanted) && wanted != 0 &&
	    wanted != reload_generation(reload))
		cross_to_wanted(reload, wanted);
	if (*from_disk && follow_wanted(&reload->follow) == reload_generation(reload))
		__atomic_store_n(from_disk, 0, __ATOMIC_RELAXED);
}

void reload_started(struct reload *reload)
{
	workers_crossed(reload);
}

void reload_round(struct reload *reload)
{
	heed_daemon(reload);
	__atomic_store_n(&reload->publish->board->heartbeat_ns, clock_boot_ns(), __ATOMIC_RELAXED);
	follow_wait(&reload->follow, ROUND_MS);
}

void reload_stop(struct reload *reload)
{
	generation_free(reload->running);
	generation_free(reload->former);
	follow_close(&reload->follow);
	if (reload->run_folder >= 0)
		close(reload->run_folder);
}
