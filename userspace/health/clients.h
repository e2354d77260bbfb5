/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open connections that wait for the rest of a request or for their end: a fixed table in order
 * of age. No system calls.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "health/http_request.h"

/*
 * A probe is answered in the turn that accepts it, so only slow and idle clients use the table.
 * 1,024 entries, two seconds each, are far more than real probes need. They take at most 2.3 MiB,
 * and only clients that send half a request touch that memory.
 */
#define CLIENTS_MAX 1024

struct client {
	int fd;
	bool begun;    /* the first bytes of the request have arrived */
	bool answered; /* further bytes are discarded until the client closes */
	uint16_t older, younger, next_free;
	uint64_t deadline_ns;
};

struct clients {
	uint16_t oldest, youngest, free, count;
	struct client table[CLIENTS_MAX];
	struct http_request requests[CLIENTS_MAX]; /* not in `table`, so that a silent client
						      touches none of it */
};

#define CLIENT_NONE UINT16_MAX

void clients_init(struct clients *clients);

/* Adds a connection as the youngest; `fd` stays the caller's. NULL: the table is full. */
struct client *client_add(struct clients *clients, int fd, uint64_t deadline_ns);
void client_remove(struct clients *clients, struct client *client);

/* The oldest connection, which has the earliest deadline; NULL: none. */
struct client *client_oldest(struct clients *clients);

struct http_request *client_request(struct clients *clients, const struct client *client);
uint16_t client_index(const struct clients *clients, const struct client *client);
