/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets: opened by the supervisor, so that they outlive the children that serve
 * them.
 */
#pragma once

#include <stdbool.h>

#include "lib/config/config.h"
#include "lib/process/shared.h"

struct listeners {
	int sockets[LISTENER_MAX]; /* -1: not listening */
	int errors[LISTENER_MAX];  /* why not, as it was last told (errno) */
};

/*
 * A listening TCP socket: non-blocking, close-on-exec, both IP versions for [::] (IPv4 alone where
 * there is no IPv6). Returns the descriptor or -errno.
 */
int listener_open(const struct config_address *address);

/* The configured address of a listener, NULL when there is none. */
const struct config_address *listener_address(const struct config *config, unsigned int listener);

/*
 * Tries once to open what is configured and not open yet. A failure is logged once, again only when
 * its cause changes. Keeps shared->listening[]. Returns whether it has become available now.
 */
bool listener_try(struct listeners *listeners, unsigned int listener, const struct config *config,
		  struct shared *shared);

void listeners_init(struct listeners *listeners);
void listeners_close(struct listeners *listeners);
