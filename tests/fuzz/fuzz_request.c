/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes are what a client sends: framing, envelopes, every method, changes included,
 * on a whole daemon with an empty folder and no data plane. What comes back are lines of
 * JSON-RPC, and afterwards the daemon answers still.
 */
#include "daemon/daemon.h"
#include "policy/grow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] =
	"{\"jsonrpc\":\"2.0\",\"method\":\"policy.apply\",\"params\":{\"policy\":{\"schema\":1,"
	"\"salt\":\"000102030405060708090a0b0c0d0e0f\","
	"\"sets\":{\"bots\":{\"verdict\":\"block\",\"entries\":[\"198.51.100.7\"]}},"
	"\"origins\":{\"feeds\":[]},"
	"\"services\":{\"front\":{\"destinations\":[\"198.18.0.0/24\"]}},"
	"\"rules\":[{\"name\":\"front\",\"service\":\"front\",\"admit\":\"25%\"}]}}}\n";
static const char question[] = "\n{\"jsonrpc\":\"2.0\",\"id\":\"last\",\"method\":\"health\"}\n";

static void need(bool so)
{
	if (!so)
		abort();
}

/* A talk from greeting to end, as one string for free(). */
struct talk {
	const char *out;
	size_t out_size, sent, in_size, in_capacity;
	char *in;
	int fd;
	bool silent; /* everything is sent */
};

static void talk_send(struct talk *talk)
{
	ssize_t sent = send(talk->fd, talk->out + talk->sent, talk->out_size - talk->sent,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent > 0)
		talk->sent += (size_t)sent;
	else if (sent < 0 && errno != EAGAIN)
		talk->sent = talk->out_size;
	if (talk->sent < talk->out_size)
		return;
	shutdown(talk->fd, SHUT_WR);
	talk->silent = true;
}

/* False: the daemon has closed the connection. */
static bool talk_read(struct talk *talk)
{
	ssize_t got;

	talk->in = grow(talk->in, &talk->in_capacity, talk->in_size + 65536, 1);
	need(talk->in != NULL);
	got = recv(talk->fd, talk->in + talk->in_size, talk->in_capacity - talk->in_size,
		   MSG_DONTWAIT);
	if (got > 0)
		talk->in_size += (size_t)got;
	return got > 0 || (got < 0 && errno == EAGAIN);
}

static void talk_all(struct daemon *daemon, const char *run, struct talk *talk)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", run);
	talk->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(talk->fd >= 0);
	need(connect(talk->fd, (struct sockaddr *)&address, sizeof address) == 0);
	do {
		if (!talk->silent)
			talk_send(talk);
		need(sd_event_run(daemon->event, 0) >= 0);
	} while (talk_read(talk));
	close(talk->fd);
}

/* Every line is a notification, a result or an error. */
static unsigned check_lines(const struct talk *talk)
{
	const char *line = talk->in, *end;
	size_t left = talk->in_size;
	unsigned lines = 0;

	for (; left > 0; lines++) {
		json_t *message;
		int parts;

		end = memchr(line, '\n', left);
		need(end != NULL);
		message = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
		need(message && json_object_get(message, "jsonrpc"));
		parts = !!json_object_get(message, "method") +
			!!json_object_get(message, "result") + !!json_object_get(message, "error");
		need(parts == 1);
		json_decref(message);
		left -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	return lines;
}

static void say(struct daemon *daemon, const char *run, const void *data, size_t size,
		unsigned at_least)
{
	struct talk talk = {.out = data, .out_size = size};

	talk_all(daemon, run, &talk);
	need(check_lines(&talk) >= at_least);
	free(talk.in);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In memory: a change waits for the disk. */
	char folder[] = "/dev/shm/fuzz_request.XXXXXX", state[64], run[64];
	struct options options = {
		.state = state,
		.run = run,
		.libloc = "/no/such/file", /* the real one takes too long */
		.operators = (gid_t)ROLE_NO_GROUP,
	};
	static struct daemon daemon;
	struct error error;
	sd_event *event;

	need(mkdtemp(folder) != NULL);
	snprintf(state, sizeof state, "%s/state", folder);
	snprintf(run, sizeof run, "%s/run", folder);
	need(sd_event_new(&event) >= 0);
	need(daemon_open(&options, event, -1, &daemon, &error) == 0);
	say(&daemon, run, policy, sizeof policy - 1, 1);
	need(daemon.publisher.active.generation == 1);
	say(&daemon, run, data, size, 1);
	say(&daemon, run, question, sizeof question - 1, 2);
	daemon_close(&daemon);
	sd_event_unref(event);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
