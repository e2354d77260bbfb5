/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enters the network namespace of a proxy and returns (about 10 µs), to query or attach. Close
 * everything that was opened there: a descriptor would keep the namespace of a pod alive.
 */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

/* Remembers our own namespace. Returns 0 or -errno. */
int netns_home_open(void);

/*
 * Does nothing for a proxy in our own namespace. Otherwise moves the calling thread to the
 * namespace of the proxy until proxy_netns_leave. Returns 0; -ESRCH: no process or mount leads to
 * it; -ESTALE: its inode now belongs to another namespace; or another -errno.
 */
int proxy_netns_enter(struct proxy_netns *netns);
void proxy_netns_leave(const struct proxy_netns *netns);

/*
 * Returns from a namespace that netns_enter entered. On failure ends the process: the supervisor
 * starts another one.
 */
void netns_home_return(void);
