/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's main: signals, systemd, the event loop. */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

enum { RETURNED_BYTES = 1 << 20 }; /* what is as large goes back to the system once freed */

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)info;
	(void)context;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int say(const struct error *error)
{
	fprintf(stderr, "sluiced: %s%s%s\n", error->path, *error->path ? ": " : "", error->message);
	return EXIT_FAILURE;
}

static int add_signals(sd_event *event)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < 2; i++)
		sigaddset(&set, ends[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		if (sd_event_add_signal(event, NULL, ends[i], on_terminate, NULL) < 0)
			return -1;
	}
	signal(SIGPIPE, SIG_IGN);
	return sd_event_set_watchdog(event, 1) < 0 ? -1 : 0;
}

/* The socket that systemd listens on for us: fd, or -1: none was given. */
static int activation_fd(struct error *error)
{
	int count = sd_listen_fds(1), fd = SD_LISTEN_FDS_START;

	if (count <= 0)
		return -1;
	if (count > 1 || sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0) {
		error_set(error, ERROR_INVALID, "socket activation",
			  "wants one listening stream socket of the unix family");
		return -2;
	}
	/* A client that is gone by then must not have accept(2) wait for another. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK)) {
		error_set(error, ERROR_DEGRADED, "socket activation", "%s", strerror(errno));
		return -2;
	}
	return fd;
}

/* What the operator should know of a start that was not as usual. */
static void tell(struct daemon *daemon)
{
	struct error faults[DAEMON_FAULTS];
	unsigned count = daemon_faults(daemon, faults);

	for (unsigned i = 0; i < count; i++)
		say(&faults[i]);
	if (daemon->twinning.problem.code)
		fprintf(stderr, "sluiced: twin: %s\n", daemon->twinning.problem.message);
	fprintf(stderr, "sluiced: generation %llu\n",
		(unsigned long long)daemon->publisher.active.generation);
}

static int serve(const struct options *options, sd_event *event)
{
	static struct daemon daemon;
	struct error error;
	int fd = activation_fd(&error), result;

	if (fd < -1 || daemon_open(options, event, fd, &daemon, &error))
		return say(&error);
	tell(&daemon);
	sd_notifyf(0, "READY=1\nSTATUS=generation %llu",
		   (unsigned long long)daemon.publisher.active.generation);
	result = sd_event_loop(event);
	sd_notify(0, "STOPPING=1");
	daemon_close(&daemon);
	if (result < 0)
		fprintf(stderr, "sluiced: event loop: %s\n", strerror(-result));
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Without a daemon, or with one whose twin is another. */
static int detach(const char *pins)
{
	struct twin_error error;

	if (twin_detach(pins, &error) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "sluiced: %s\n", error.message);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options;
	int status = options_read(argc, argv, &options);
	char *feeds = NULL;
	sd_event *event;

	if (status >= 0)
		return status;
	if (options.detach)
		return detach(options.twin.pins);
	if (!options.feeds && asprintf(&feeds, "%s/feeds", options.state) < 0)
		return EXIT_FAILURE;
	if (feeds)
		options.feeds = feeds;
	/* Left alone, the C library raises this to what was freed last, and keeps it for next time.
	 */
	mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES);
	if (sd_event_default(&event) < 0 || add_signals(event)) {
		fputs("sluiced: no event loop\n", stderr);
		free(feeds);
		return EXIT_FAILURE;
	}
	status = serve(&options, event);
	sd_event_unref(event);
	free(feeds);
	return status;
}
