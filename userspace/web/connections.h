/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected and how long they may take. libmicrohttpd only knows how long a client was
 * silent; here a request has an absolute deadline, so that a byte a second buys no time. Knows
 * nothing of libmicrohttpd.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum connection_state {
	CONNECTION_NEW,	    /* its first request has not come in full */
	CONNECTION_IDLE,    /* kept alive, the next request has not come in full */
	CONNECTION_WORKING, /* a request is answered: the snapshot's deadline holds */
	CONNECTION_SENDING, /* the answer is on its way */
	CONNECTION_CLOSING, /* shut down, to be closed by its owner */
	CONNECTION_STATES
};

struct connection {
	TAILQ_ENTRY(connection) link;
	int fd; /* not owned */
	enum connection_state state;
	uint64_t since_ns; /* when it came into its state */
	bool asked;	   /* a request has come */
	void *owner;	   /* the owner's */
};
TAILQ_HEAD(connection_list, connection);

/* A list a state, the one that is in it longest at the head. */
struct connections {
	struct connection_list lists[CONNECTION_STATES];
	size_t count, max;
};

void connections_init(struct connections *c, size_t max);

/* Adds a connection, new; NULL when memory ran out. connections_remove frees it. */
struct connection *connections_add(struct connections *c, int fd, uint64_t now_ns);
void connections_remove(struct connections *c, struct connection *connection);

void connections_enter(struct connections *c, struct connection *connection,
		       enum connection_state state, uint64_t now_ns);

/* Shuts down those that took too long. Returns how many. */
size_t connections_expire(struct connections *c, uint64_t now_ns);

/*
 * Shuts down the connection that waits longest without a request in work. False when there is none.
 */
bool connections_evict(struct connections *c, uint64_t now_ns);

/* Shuts down those that are kept alive and are at nothing. */
void connections_shut_idle(struct connections *c, uint64_t now_ns);

/* Whether one more is one too many, those that are closing not counted. */
bool connections_full(const struct connections *c);

/* When connections_expire is wanted next; UINT64_MAX: never. */
uint64_t connections_due(const struct connections *c);
