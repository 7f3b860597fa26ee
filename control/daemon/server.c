/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients and their buffers. See server.h. */
#include "daemon/server.h"

#include "policy/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LINES_A_TURN = 16, /* taken from one client before others get a turn; of a viewer, one */
	/* Whoever may change something goes before all viewers, and so does what is under way. */
	VIEWER_PRIORITY = SD_EVENT_PRIORITY_NORMAL + 10,
};

/* What all viewers' answers take is kept count of. */
static void out_set(struct client *client, char *out, size_t capacity)
{
	if (client->peer.role == ROLE_VIEWER)
		client->server->viewers_out += capacity - client->out_capacity;
	client->out = out;
	client->out_capacity = capacity;
}

static void out_free(struct client *client)
{
	free(client->out);
	out_set(client, NULL, 0);
}

/* Room for `size` bytes more of answers. 0 or -ENOMEM. */
static int out_room(struct client *client, size_t size)
{
	size_t capacity = client->out_capacity;
	char *out;

	if (client->out_sent > 0) {
		client->out_used -= client->out_sent;
		memmove(client->out, client->out + client->out_sent, client->out_used);
		client->out_sent = 0;
	}
	out = grow(client->out, &capacity, client->out_used + size, 1);
	if (!out)
		return -ENOMEM;
	out_set(client, out, capacity);
	return 0;
}

/* Whether this client, or all of its kind, leave too much unread to be sent more. */
static bool out_is_full(const struct client *client)
{
	return client->out_used - client->out_sent > SERVER_UNREAD ||
	       (client->peer.role == ROLE_VIEWER && client->out_used > client->out_sent &&
		client->server->viewers_out > SERVER_VIEWERS_UNREAD);
}

static void client_free(struct client *client)
{
	struct server *server = client->server;

	server->taker.gone(server->taker.context, client);
	TAILQ_REMOVE(&server->clients, client, link);
	server->count--;
	sd_event_source_disable_unref(client->io);
	sd_event_source_disable_unref(client->work);
	close(client->fd);
	lines_free(&client->lines);
	out_free(client);
	free(client);
}

/* Send what there is. True: some of it must wait for the client to read. */
static bool client_flush(struct client *client)
{
	while (!client->mute && client->out_sent < client->out_used) {
		ssize_t sent =
			send(client->fd, client->out + client->out_sent,
			     client->out_used - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0)
			client->out_sent += (size_t)sent;
		else if (errno == EAGAIN)
			return true;
		else if (errno != EINTR)
			client->mute = true;
	}
	/* A large answer's memory is not kept for small ones. */
	if (client->out_capacity > SERVER_KEPT)
		out_free(client);
	client->out_used = client->out_sent = 0;
	return false;
}

static void send_text(struct client *client, const char *text)
{
	size_t size = strlen(text);

	if (out_is_full(client) || out_room(client, size + 1)) {
		client->lost = true;
		return;
	}
	memcpy(client->out + client->out_used, text, size);
	client->out[client->out_used + size] = '\n';
	client->out_used += size + 1;
	if (client->out_used > SERVER_KEPT)
		client_flush(client);
}

void server_send(struct client *client, json_t *message)
{
	char *text = message && !client->lost
			     ? json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(6))
			     : NULL;

	json_decref(message);
	if (text)
		send_text(client, text);
	else
		client->lost = true;
	free(text);
}

/* Take whole lines, a few at a time. True: more may be there. */
static bool client_take(struct client *client)
{
	struct server *server = client->server;
	int turn = client->peer.role == ROLE_VIEWER ? 1 : LINES_A_TURN;
	const char *line;
	size_t size;

	for (int taken = 0; !client->held && !client->closing && !client->lost; taken++) {
		if (taken == turn)
			return true;
		switch (lines_next(&client->lines, &line, &size)) {
		case LINES_NONE:
			client->closing = client->ended;
			return false;
		case LINES_TOO_LONG:
			client->held = client->due > 0;
			if (client->held)
				return false;
			server->taker.too_long(server->taker.context, client);
			client->closing = true;
			return false;
		case LINES_ONE:
			break;
		}
		if (server->taker.take(server->taker.context, client, line, size) == TAKEN_LATER) {
			client->held = true;
			return false;
		}
		lines_done(&client->lines, size);
	}
	return false;
}

/* Ask the event loop for what this client can do next, or end it. */
static void client_arm(struct client *client, bool more)
{
	bool unsent = client_flush(client);
	bool readable = !more && !client->held && !client->ended && !client->closing;
	uint32_t events = (readable ? EPOLLIN : 0) | (unsent ? EPOLLOUT : 0);
	/* Of a hang-up the kernel goes on telling whoever listens at all. */
	bool listen = events != 0 || !client->hung;

	if (client->lost || (client->closing && !unsent && client->due == 0)) {
		client_free(client);
		return;
	}
	if (sd_event_source_set_io_events(client->io, events) < 0 ||
	    sd_event_source_set_enabled(client->io, listen ? SD_EVENT_ON : SD_EVENT_OFF) < 0 ||
	    sd_event_source_set_enabled(client->work, more ? SD_EVENT_ONESHOT : SD_EVENT_OFF) < 0)
		client_free(client);
}

static int on_work(sd_event_source *source, void *context)
{
	struct client *client = context;

	(void)source;
	client_arm(client, client_take(client));
	return 0;
}

static void client_read(struct client *client)
{
	char *room = lines_room(&client->lines);
	ssize_t got;

	if (!room) {
		client->lost = true;
		return;
	}
	got = recv(client->fd, room, LINES_ROOM, MSG_DONTWAIT);
	if (got > 0)
		lines_add(&client->lines, (size_t)got);
	else if (got == 0)
		client->ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		client->lost = true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct client *client = context;

	(void)source;
	(void)fd;
	if (events & EPOLLIN)
		client_read(client);
	if (events & (EPOLLHUP | EPOLLERR))
		client->hung = true;
	client_arm(client, client_take(client));
	return 0;
}

void server_wake(struct client *client)
{
	client_flush(client);
	client->held = false;
	if (sd_event_source_set_enabled(client->work, SD_EVENT_ONESHOT) < 0)
		client->lost = true;
}

/* The most clients there may be for one of this role to be let in. */
static unsigned clients_cap(enum role role)
{
	return role == ROLE_VIEWER ? SERVER_VIEWERS : SERVER_CLIENTS;
}

/* The client's sources in the event loop. 0, or -errno; then they are for the caller to end. */
static int add_sources(struct client *client)
{
	sd_event *event = client->server->event;
	int result = sd_event_add_io(event, &client->io, client->fd, EPOLLIN, on_io, client);

	if (result >= 0)
		result = sd_event_add_defer(event, &client->work, on_work, client);
	if (result >= 0 && client->peer.role == ROLE_VIEWER)
		result = sd_event_source_set_priority(client->io, VIEWER_PRIORITY);
	if (result >= 0 && client->peer.role == ROLE_VIEWER)
		result = sd_event_source_set_priority(client->work, VIEWER_PRIORITY);
	return result < 0 ? result : 0;
}

static int client_start(struct server *server, int fd)
{
	static const char full[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,"
				   "\"message\":\"too many clients\","
				   "\"data\":{\"code\":\"CAPACITY\",\"path\":\"\"}}}\n";
	struct client *client;
	struct peer peer;
	int result = role_of(fd, server->operators, &peer);

	if (result)
		return result;
	if (server->count >= clients_cap(peer.role)) {
		send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		return -EUSERS;
	}
	client = calloc(1, sizeof *client);
	if (!client)
		return -ENOMEM;
	*client = (struct client){.server = server, .fd = fd, .peer = peer};
	result = add_sources(client);
	if (result) {
		sd_event_source_disable_unref(client->work);
		sd_event_source_disable_unref(client->io);
		free(client);
		return result;
	}
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	server->count++;
	server->taker.came(server->taker.context, client);
	client_arm(client, false);
	return 0;
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct server *server = context;
	int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)source;
	(void)events;
	if (accepted >= 0 && client_start(server, accepted) < 0)
		close(accepted);
	return 0;
}

int server_open(sd_event *event, int fd, gid_t operators, const struct taker *taker,
		struct server *server)
{
	int result;

	*server = (struct server){
		.event = event,
		.taker = *taker,
		.operators = operators,
		.fd = fd,
	};
	TAILQ_INIT(&server->clients);
	result = sd_event_add_io(event, &server->accept, fd, EPOLLIN, on_accept, server);
	return result < 0 ? result : 0;
}

void server_close(struct server *server)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&server->clients)))
		client_free(client);
	sd_event_source_disable_unref(server->accept);
	close(server->fd);
}
