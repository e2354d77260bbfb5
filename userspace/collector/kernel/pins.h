/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pin folder: <pin path>/v<layout>[-<proxies.max>]/<instance>/, where instance is "node" or the
 * netns cookie of a sidecar. One process at a time holds its lock, so that sidecars and an agent
 * can share a bpffs.
 */
#pragma once

#include <stddef.h>

#include "lib/config/config.h"

struct pins {
	char instance[32];	       /* "node" or 16 hex digits */
	char folder[CONFIG_PATH_SIZE]; /* "" while nothing is pinned */
	int lock;		       /* the folder, locked; -1 */
};

/* Fills the instance's name. Returns 0 or -errno. */
int pins_init(struct pins *pins, const struct config *config);

/*
 * Mounts bpffs where it is missing at the usual place, on a host (the mount namespace of PID 1)
 * only. Needs CAP_SYS_ADMIN; without it, or in a container, does nothing. To be called before
 * rights are dropped.
 */
void pins_mount(const struct config *config);

/*
 * Makes and locks the folder. Returns 0; -ENOTSUP: pins are off or there is no bpffs; -EBUSY:
 * another instance that runs holds it; or another -errno. Says nothing: what it means depends on
 * what the caller wants of it.
 */
int pins_open(struct pins *pins, const struct config *config);

/* Removes every pin in a folder. Returns the number removed or -errno. */
int pins_unlink_all(const char *folder);

/* The same of ours; the folder and the lock stay. Returns the number removed or -errno. */
int pins_clear(struct pins *pins);

/*
 * Removes the folder (it must be clear) and its empty parents up to the pin path, and gives up the
 * lock.
 */
void pins_remove(struct pins *pins);

/* Gives up the lock, leaves the pins. */
void pins_close(struct pins *pins);
