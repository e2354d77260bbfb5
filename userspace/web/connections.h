/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open connections and their deadlines. libmicrohttpd only limits how long a client is silent.
 * Here, each request has an absolute deadline, so that a client cannot extend it by sending a byte
 * a second. Independent of libmicrohttpd.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum connection_state {
	CONNECTION_NEW,	    /* the first request is not complete */
	CONNECTION_IDLE,    /* kept alive, the next request is not complete */
	CONNECTION_WORKING, /* a request is processed: the snapshot has its own deadline */
	CONNECTION_SENDING, /* the response is being sent */
	CONNECTION_CLOSING, /* shut down; the owner will close it */
	CONNECTION_STATES
};

struct connection {
	TAILQ_ENTRY(connection) link;
	int fd; /* not owned */
	enum connection_state state;
	uint64_t since_ns; /* when it entered its state */
	bool asked;	   /* at least one request was complete */
	void *owner;	   /* for the caller */
};
TAILQ_HEAD(connection_list, connection);

/* One list for each state, the connection that entered it first at the head. */
struct connections {
	struct connection_list lists[CONNECTION_STATES];
	size_t count, max; /* without those that are closing */
};

void connections_init(struct connections *c, size_t max);

/* Adds a connection in state NEW; connections_remove frees it. NULL: out of memory. */
struct connection *connections_add(struct connections *c, int fd, uint64_t now_ns);
void connections_remove(struct connections *c, struct connection *connection);

/* Changes the state. A connection that is closing stays in that state. */
void connections_enter(struct connections *c, struct connection *connection,
		       enum connection_state state, uint64_t now_ns);

/* Shuts down the connections whose deadline has passed. Returns how many. */
size_t connections_expire(struct connections *c, uint64_t now_ns);

/*
 * Shuts down the NEW or IDLE connection that has waited longest. Returns false if there is none.
 */
bool connections_evict(struct connections *c, uint64_t now_ns);

/* Shuts down all IDLE connections. */
void connections_shut_idle(struct connections *c, uint64_t now_ns);

/* Whether the limit is reached. Connections that are closing do not count. */
bool connections_full(const struct connections *c);

/* When to call connections_expire next; UINT64_MAX: no deadline. */
uint64_t connections_due(const struct connections *c);
