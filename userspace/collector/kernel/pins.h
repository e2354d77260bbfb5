/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pin folder: <pin path>/v<layout>[-<proxies.max>]/<instance>/; the instance is "node" or the
 * netns cookie of a sidecar. One process at a time holds its lock, so that sidecars and an agent
 * can share a bpffs.
 */
#pragma once

#include <stddef.h>

#include "lib/config/config.h"

struct pins {
	char instance[32];	       /* "node" or 16 hex digits */
	char folder[CONFIG_PATH_SIZE]; /* "" while nothing is pinned */
	int lock;		       /* descriptor of the locked folder; -1 */
};

/* Sets the name of the instance. Returns 0 or -errno. */
int pins_init(struct pins *pins, const struct config *config);

/*
 * Mounts bpffs at the usual path if it is missing, only on a host (in the mount namespace of PID
 * 1). Needs CAP_SYS_ADMIN, so call it before dropping capabilities; without it, or in a container,
 * does nothing.
 */
void pins_mount(const struct config *config);

/*
 * Creates and locks the folder. Returns 0; -ENOTSUP: pins are off or there is no bpffs; -EBUSY:
 * another running instance holds the lock; or another -errno. Logs nothing: the caller knows what
 * the error means.
 */
int pins_open(struct pins *pins, const struct config *config);

/* Removes all pins in a folder. Returns the number removed or -errno. */
int pins_unlink_all(const char *folder);

/* Removes all our pins; keeps the folder and the lock. Returns the number removed or -errno. */
int pins_clear(struct pins *pins);

/*
 * Removes the folder (clear it first) and its empty parents up to the pin path; releases the lock.
 */
void pins_remove(struct pins *pins);

/* Releases the lock; keeps the pins. */
void pins_close(struct pins *pins);
