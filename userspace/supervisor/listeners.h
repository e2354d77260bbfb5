/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets. The supervisor opens them, so that they outlive the children that serve
 * them.
 */
#pragma once

#include <stdbool.h>

#include "lib/config/config.h"
#include "lib/process/shared.h"

struct listeners {
	int sockets[LISTENER_MAX]; /* -1: not listening */
	int errors[LISTENER_MAX];  /* last logged error (errno); 0: none */
};

/*
 * Opens a listening TCP socket: non-blocking, close-on-exec. An address [::] accepts IPv6 and IPv4,
 * or IPv4 only if there is no IPv6. Returns the descriptor, owned by the caller, or -errno.
 */
int listener_open(const struct config_address *address);

/* The configured address of a listener; NULL: not configured. */
const struct config_address *listener_address(const struct config *config, unsigned int listener);

/*
 * Tries once to open a listener that is configured and not open yet. Logs a failure once, and again
 * only if the error changes. Updates shared->listening[]. Returns whether it has just been opened.
 */
bool listener_try(struct listeners *listeners, unsigned int listener, const struct config *config,
		  struct shared *shared);

void listeners_init(struct listeners *listeners);
void listeners_close(struct listeners *listeners);
