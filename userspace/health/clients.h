/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections that wait, for the rest of their request or for their end: a fixed table in order
 * of age. No system call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "health/http_request.h"

/*
 * A probe is answered within the turn that accepts it, so the table only holds the slow and the
 * idle. 1,024 of them, two seconds each: far more than real probes ever need, and at most 2.3 MiB,
 * which only clients that send half a request touch.
 */
#define CLIENTS_MAX 1024

struct client {
	int fd;
	bool begun;    /* its request is */
	bool answered; /* its unread bytes are thrown away until it closes */
	uint16_t older, younger, next_free;
	uint64_t deadline_ns;
};

struct clients {
	uint16_t oldest, youngest, free, count;
	struct client table[CLIENTS_MAX];
	struct http_request requests[CLIENTS_MAX]; /* apart from the table: a silent client touches
						      none of it */
};

#define CLIENT_NONE UINT16_MAX

void clients_init(struct clients *clients);

/* A slot for a new connection, the youngest. NULL when the table is full. */
struct client *client_add(struct clients *clients, int fd, uint64_t deadline_ns);
void client_remove(struct clients *clients, struct client *client);

/* NULL when there is none. Deadlines grow with age, so this one's is the next. */
struct client *client_oldest(struct clients *clients);

struct http_request *client_request(struct clients *clients, const struct client *client);
uint16_t client_index(const struct clients *clients, const struct client *client);
