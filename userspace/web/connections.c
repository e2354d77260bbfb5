// SPDX-License-Identifier: Apache-2.0
#include "web/connections.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "lib/time.h"

/* The longest time that a connection may stay in a state; 0: no limit. */
static const uint64_t state_ns[CONNECTION_STATES] = {
	[CONNECTION_NEW] = 10 * NS_PER_S,
	/* Prometheus usually scrapes at least once a minute, and closes an idle connection after
	   five minutes. */
	[CONNECTION_IDLE] = 150 * NS_PER_S,
	[CONNECTION_SENDING] = 30 * NS_PER_S,
};

void connections_init(struct connections *c, size_t max)
{
	*c = (struct connections){ .max = max };
	for (int i = 0; i < CONNECTION_STATES; i++)
		TAILQ_INIT(&c->lists[i]);
}

struct connection *connections_add(struct connections *c, int fd, uint64_t now_ns)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (!connection)
		return NULL;
	*connection = (struct connection){ .fd = fd, .state = CONNECTION_NEW, .since_ns = now_ns };
	TAILQ_INSERT_TAIL(&c->lists[CONNECTION_NEW], connection, link);
	c->count++;
	return connection;
}

static void connection_unlink(struct connections *c, struct connection *connection)
{
	TAILQ_REMOVE(&c->lists[connection->state], connection, link);
	if (connection->state != CONNECTION_CLOSING)
		c->count--;
}

void connections_remove(struct connections *c, struct connection *connection)
{
	connection_unlink(c, connection);
	free(connection);
}

void connections_enter(struct connections *c, struct connection *connection,
		       enum connection_state state, uint64_t now_ns)
{
	if (connection->state == CONNECTION_CLOSING)
		return;
	connection_unlink(c, connection);
	connection->state = state;
	connection->since_ns = now_ns;
	connection->asked |= state == CONNECTION_WORKING || state == CONNECTION_SENDING;
	TAILQ_INSERT_TAIL(&c->lists[state], connection, link);
	if (state != CONNECTION_CLOSING)
		c->count++;
}

/* Shuts the socket down; the owner of the descriptor notices this and closes it. */
static void connection_shut(struct connections *c, struct connection *connection, uint64_t now_ns)
{
	shutdown(connection->fd, SHUT_RDWR);
	connections_enter(c, connection, CONNECTION_CLOSING, now_ns);
}

size_t connections_expire(struct connections *c, uint64_t now_ns)
{
	size_t count = 0;

	for (int i = 0; i < CONNECTION_STATES; i++) {
		struct connection *first;

		while (state_ns[i] && (first = TAILQ_FIRST(&c->lists[i])) &&
		       first->since_ns + state_ns[i] <= now_ns) {
			connection_shut(c, first, now_ns);
			count++;
		}
	}
	return count;
}

bool connections_evict(struct connections *c, uint64_t now_ns)
{
	struct connection *oldest = TAILQ_FIRST(&c->lists[CONNECTION_NEW]);
	struct connection *idle = TAILQ_FIRST(&c->lists[CONNECTION_IDLE]);

	if (!oldest || (idle && idle->since_ns < oldest->since_ns))
		oldest = idle;
	if (!oldest)
		return false;
	connection_shut(c, oldest, now_ns);
	return true;
}

void connections_shut_idle(struct connections *c, uint64_t now_ns)
{
	struct connection *idle;

	while ((idle = TAILQ_FIRST(&c->lists[CONNECTION_IDLE])))
		connection_shut(c, idle, now_ns);
}

bool connections_full(const struct connections *c)
{
	return c->count >= c->max;
}

uint64_t connections_due(const struct connections *c)
{
	uint64_t due = UINT64_MAX;

	for (int i = 0; i < CONNECTION_STATES; i++) {
		const struct connection *first = TAILQ_FIRST(&c->lists[i]);

		if (first && state_ns[i] && first->since_ns + state_ns[i] < due)
			due = first->since_ns + state_ns[i];
	}
	return due;
}
