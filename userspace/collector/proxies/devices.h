/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WireGuard devices of a node's proxies. A userspace one has its UAPI socket in the mount namespace of the process
 * that made it: often the SOCKS server's, but in a pod it may be that of another container.
 */
#pragma once

#include "collector/proxies/proxies.h"

/* Reads the devices of several proxies, side by side. */
void devices_read(struct proxies *proxies, struct managed_proxy *const *managed, size_t count);
