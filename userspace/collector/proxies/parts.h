/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to this folder. */
#pragma once

#include "collector/proxies/proxies.h"
#include "lib/config/config.h"

/*
 * The WireGuard devices of proxies of a node. The UAPI socket of a userspace device is in the mount
 * namespace of its process. Usually that is the one of the SOCKS server, but in a pod it can be
 * that of another container.
 */

/* Reads the devices of several proxies in parallel. */
void devices_read(struct proxies *proxies, struct managed_proxy *const *managed, size_t count);

/* Pins of sidecars that no longer exist. */

/*
 * Removes pins of sidecars whose network namespace is gone, because their programs still run for
 * each socket of the host. Does nothing unless we see all processes of the machine: a namespace
 * might exist that we do not see. Never removes pins of a running instance.
 */
void stale_pins_remove(const struct config *config);
