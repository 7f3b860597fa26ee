/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket: clients come, send lines, get lines, and go. What a line means is the
 * taker's business. A client's lines are taken one after another, and answered in that order:
 * one that cannot be yet is offered again.
 */
#pragma once

#include "daemon/lines.h"
#include "daemon/role.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

/* Nobody without a role can keep operators out, or take all the memory. */
enum {
	SERVER_CLIENTS = 256,
	SERVER_VIEWERS = 192,                      /* of them */
	SERVER_UNREAD = 4 * 1024 * 1024,           /* bytes unread: a client gets no more */
	SERVER_VIEWERS_UNREAD = 128 * 1024 * 1024, /* likewise those who leave any, if viewers */
	SERVER_KEPT = 64 * 1024,                   /* room for answers that an idle client keeps */
};

struct client {
	TAILQ_ENTRY(client) link;    /* in the server's list */
	TAILQ_ENTRY(client) waiting; /* for its turn: the taker's */
	struct server *server;
	int fd;
	struct peer peer;
	struct lines lines;
	char *out;
	size_t out_used, out_sent, out_capacity;
	sd_event_source *io, *work;
	unsigned due;        /* answers to come later: the taker's */
	bool held;           /* take no line before server_wake() */
	bool ended;          /* the client sends no more */
	bool closing;        /* take no more, close when everything is sent */
	bool hung;           /* both directions are closed; what it sent before still counts */
	bool mute;           /* nothing can be sent to it */
	bool lost;           /* end it, whatever is left to do */
	bool queued;         /* is in the list of `waiting` */
	bool alone;          /* and wants its turn to itself */
	struct draft *draft; /* the taker's; NULL: none */
};

TAILQ_HEAD(clients, client);

enum taken {
	TAKEN,       /* and answered, if it wanted an answer, or the answer is due */
	TAKEN_LATER, /* not taken: offer it again after server_wake() */
};

struct taker {
	void (*came)(void *context, struct client *client); /* to greet it */
	enum taken (*take)(void *context, struct client *client, const char *line, size_t size);
	void (*too_long)(void *context, struct client *client); /* it is closed then */
	void (*gone)(void *context, struct client *client);     /* forget it */
	void *context;
};

struct server {
	sd_event *event;
	struct taker taker;
	gid_t operators;
	int fd;
	sd_event_source *accept;
	struct clients clients;
	unsigned count;
	size_t viewers_out; /* bytes of room that viewers' answers have */
};

/*
 * Serve clients of the listening socket `fd`, which is taken over. `operators`: the group,
 * or ROLE_NO_GROUP. 0, or -errno.
 */
int server_open(sd_event *event, int fd, gid_t operators, const struct taker *taker,
		struct server *server);
void server_close(struct server *server);

/*
 * Send one message as a line, at the latest with server_wake() or at the end of the client's turn;
 * takes over `message` (NULL, for want of memory, ends the client).
 */
void server_send(struct client *client, json_t *message);

/* Send what there is, and go on with a client from the event loop: its turn has come. */
void server_wake(struct client *client);
