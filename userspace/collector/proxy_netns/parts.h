/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder. */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

/* Writes what the proxy is to the `proxies` map, once it is started. Returns 0 or -errno. */
static inline int map_entry_write(const struct proxy_netns *netns)
{
	return netns->started ? kernel_proxy_write(netns->kernel, netns->slot, &netns->map_entry)
			      : 0;
}

/* ports.c: adds the current ports to map_entry. Returns whether it changed (to be written). */
bool ports_add(struct proxy_netns *netns);

/* interfaces.c: the interfaces of a watched proxy and what is attached to them. */

/* Each returns whether netns->map_entry changed (to be written), interfaces_dump 0 or -errno. */
int interfaces_dump(struct proxy_netns *netns);
bool interfaces_read(struct proxy_netns *netns);
bool interfaces_event(struct proxy_netns *netns, const struct link *link, enum link_event event);

/* Looks what is there, and attaches to what is new: for events that were lost. */
bool interfaces_scan(struct proxy_netns *netns);

/* Attaches again where it failed, or where somebody removed it. */
void interfaces_repair(struct proxy_netns *netns);

/* Lets go of all; with `remove`, detaches. */
void interfaces_close(struct proxy_netns *netns, bool remove);
/*
 * Their namespace is gone: links are unpinned, filters went with it, and the same ifindex is
 * another one's here.
 */
void interfaces_forget(struct proxy_netns *netns);
void interfaces_free(struct proxy_netns *netns);

/*
 * Tells the programs of the tunnels, and of nothing else: the socket programs may have learned a
 * SOCKS port that we have not heard of yet.
 */
void interfaces_tunnels_write(const struct proxy_netns *netns);
