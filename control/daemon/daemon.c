/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the daemon put together. See daemon.h. */
#include "daemon/daemon.h"

#include "daemon/clock.h"
#include "daemon/rpc.h"

#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SOCKET_BACKLOG = 64,
	PROBE_EVERY_US = 1000000, /* not at each viewer's wish */
};

/* Whoever holds the board may replace a socket that a dead daemon left. fd, or -1. */
static int socket_make(const char *folder, struct sockaddr_un *made, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int size = snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
	int fd;

	if (size >= (int)sizeof address.sun_path)
		return error_set(error, ERROR_INVALID, folder, "is too long a name for a socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (unlink(address.sun_path) && errno != ENOENT) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof address) ||
	    chmod(address.sun_path, 0666) || listen(fd, SOCKET_BACKLOG)) {
		error_set(error, ERROR_DEGRADED, address.sun_path, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*made = address;
	return fd;
}

static int parts_open(const struct options *options, int fd, struct daemon *daemon,
		      struct error *error)
{
	struct taker taker = rpc_taker(daemon);
	int result;

	if (publisher_open(daemon->event, &daemon->store, &daemon->boards, &daemon->twinning,
			   &daemon->publisher, error))
		return -1;
	/* Before anybody is told that we are ready: what we are there for is in force by then. */
	twinning_start(&daemon->twinning);
	if (fd < 0)
		fd = socket_make(options->run, &daemon->made, error);
	if (fd >= 0) {
		result =
			server_open(daemon->event, fd, options->operators, &taker, &daemon->server);
		if (result == 0)
			return 0;
		error_set(error, ERROR_DEGRADED, "control.sock", "%s", strerror(-result));
		close(fd);
	}
	publisher_close(&daemon->publisher);
	return -1;
}

static int no_source(int result, struct error *error)
{
	return error_set(error, ERROR_DEGRADED, "", "%s", strerror(-result));
}

/* What changes need besides the publisher. */
static int work_open(struct daemon *daemon, struct error *error)
{
	int result = folding_open(daemon->event, &daemon->store, &daemon->folding);

	if (result < 0)
		return no_source(result, error);
	result = changes_open(daemon->event, daemon, &daemon->changes);
	if (result == 0)
		return 0;
	folding_close(&daemon->folding);
	return no_source(result, error);
}

static void work_close(struct daemon *daemon)
{
	changes_close(&daemon->changes);
	folding_close(&daemon->folding);
	audit_close(&daemon->audit);
}

/* All that needs the state folder. */
static int folders_taken(const struct options *options, int fd, struct daemon *daemon,
			 struct error *error)
{
	const struct twin_options *twin = options->with_twin ? &options->twin : NULL;
	int result = twinning_open(daemon->event, twin, daemon->boards.folder, &daemon->twinning);

	if (result < 0)
		return no_source(result, error);
	daemon->audit.folder = daemon->store.folder;
	if (work_open(daemon, error) == 0) {
		if (parts_open(options, fd, daemon, error) == 0)
			return 0;
		work_close(daemon);
	}
	twinning_close(&daemon->twinning);
	return -1;
}

int daemon_open(const struct options *options, sd_event *event, int fd, struct daemon *daemon,
		struct error *error)
{
	memset(daemon, 0, sizeof *daemon);
	daemon->event = event;
	daemon->feeds = (struct feed_paths){.libloc = options->libloc, .folder = options->feeds};
	/* The board first: a second daemon must not touch the state of the one that holds it. */
	if (boards_open(options->run, &daemon->boards, error))
		return -1;
	if (store_open(options->state, &daemon->store, error) == 0) {
		if (folders_taken(options, fd, daemon, error) == 0)
			return 0;
		store_close(&daemon->store);
	}
	boards_close(&daemon->boards);
	return -1;
}

void daemon_close(struct daemon *daemon)
{
	server_close(&daemon->server);
	if (*daemon->made.sun_path)
		unlink(daemon->made.sun_path);
	work_close(daemon);
	publisher_close(&daemon->publisher);
	twinning_close(&daemon->twinning);
	store_close(&daemon->store);
	boards_close(&daemon->boards);
}

static void probe(struct daemon *daemon)
{
	uint64_t now_us = clock_us();

	if (daemon->probed_us && now_us - daemon->probed_us < PROBE_EVERY_US)
		return;
	if (store_check_writable(&daemon->store, &daemon->unwritable) == 0)
		daemon->unwritable.code = ERROR_NONE;
	daemon->probed_us = now_us;
}

unsigned daemon_faults(struct daemon *daemon, struct error faults[DAEMON_FAULTS])
{
	unsigned count = 0;

	probe(daemon);
	if (daemon->publisher.damage.code)
		faults[count++] = daemon->publisher.damage;
	if (daemon->unwritable.code)
		faults[count++] = daemon->unwritable;
	if (store_check_salt(&daemon->store, &faults[count]))
		count++;
	if (daemon->audit.failed) {
		store_fault(&daemon->store, AUDIT_FILE, &faults[count++], "%s",
			    strerror(daemon->audit.failed));
	}
	return count;
}

int daemon_compile(struct daemon *daemon, struct policy *policy, bool look,
		   struct compiled *compiled, struct error *error)
{
	const struct edition *active = &daemon->publisher.active;
	struct feed_paths feeds = daemon->feeds;

	if (!policy->has_salt) {
		const uint8_t *in_force = active->generation ? active->policy->salt : NULL;

		if (store_salt(&daemon->store, in_force, policy->salt, error))
			return -1;
		policy->has_salt = true;
	}
	/*
	 * Feeds that are read for the first time, or changed, block the loop for up to a second
	 * or so: a change is not answered before it is enforced, nobody else's is taken
	 * meanwhile, and the data plane goes on by itself.
	 */
	feeds.settled = !look;
	return compile(policy, &feeds, active->generation ? &active->compiled : NULL, compiled,
		       error);
}
