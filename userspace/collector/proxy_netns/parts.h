/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to this folder. */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

/* Writes the entry of a started proxy to the `proxies` map. Returns 0 or -errno. */
static inline int map_entry_write(const struct proxy_netns *netns)
{
	return netns->started ? kernel_proxy_write(netns->kernel, netns->slot, &netns->map_entry)
			      : 0;
}

/* ports.c: adds the current ports to map_entry. Returns whether it changed (write it then). */
bool ports_add(struct proxy_netns *netns);

/* interfaces.c: the interfaces of a watched proxy and their attachments. */

/* Return whether netns->map_entry changed (write it then); interfaces_dump returns 0 or -errno. */
int interfaces_dump(struct proxy_netns *netns);
bool interfaces_read(struct proxy_netns *netns);
bool interfaces_event(struct proxy_netns *netns, const struct link *link, enum link_event event);

/* Call after events were lost: lists the interfaces and attaches to new ones. */
bool interfaces_scan(struct proxy_netns *netns);

/* Attaches again where it failed or the attachment was removed. */
void interfaces_repair(struct proxy_netns *netns);

/* Closes all; with `remove`, detaches them. */
void interfaces_close(struct proxy_netns *netns, bool remove);
/*
 * Their namespace is gone: unpins links. Filters are gone too, and the ifindex can belong to
 * another interface here.
 */
void interfaces_forget(struct proxy_netns *netns);
void interfaces_free(struct proxy_netns *netns);

/*
 * Writes the tunnels to the map entry, and nothing else: the socket programs may have added a SOCKS
 * port that we do not know yet.
 */
void interfaces_tunnels_write(const struct proxy_netns *netns);
