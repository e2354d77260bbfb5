/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into the network namespace of a proxy, and back (about 10 µs): to ask it for something, to
 * attach. Nothing that is opened there stays open, since a descriptor would keep a pod's namespace
 * alive.
 */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

/* Remembers where we are at home. Returns 0 or -errno. */
int netns_home_open(void);

/*
 * Nothing to do for a proxy of our own namespace. Else the calling thread is in the proxy's
 * afterwards, until proxy_netns_leave. Returns 0, -ESRCH when no way in is known, -ESTALE when
 * there is another namespace of its inode by now, or -errno.
 */
int proxy_netns_enter(struct proxy_netns *netns);
void proxy_netns_leave(const struct proxy_netns *netns);

/*
 * Home from a namespace that netns_enter went to. A collector that cannot is no use: it ends, and
 * another is started.
 */
void netns_home_return(void);
