/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder. */
#pragma once

#include "collector/proxies/proxies.h"
#include "lib/config/config.h"

/*
 * The WireGuard devices of a node's proxies. A userspace one has its UAPI socket in the mount
 * namespace of the process that made it: often the SOCKS server's, but in a pod it may be that of
 * another container.
 */

/* Reads the devices of several proxies, side by side. */
void devices_read(struct proxies *proxies, struct managed_proxy *const *managed, size_t count);

/* Pins of sidecars that are no more. */

/*
 * Removes the pins of sidecars whose network namespace is gone: programs of theirs that go on for
 * every socket of the host. Only where we see all processes of the machine, else a namespace may
 * live that we do not see; and never what a running one holds.
 */
void stale_pins_remove(const struct config *config);
