/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tunnel that was made anew (wg-quick down and up) has carried packets before we attach to it:
 * most often none, in the millisecond until the kernel's event is read; many, while no exporter
 * ran. The device's own counters tell how many bytes these were.
 */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

struct tunnel_recreate {
	bool known;	  /* the index had a tunnel of this name before */
	bool recreated;	  /* and this is another device than the one that was watched */
	uint64_t counted; /* bytes by then */
};

/* Before a tunnel takes its index. */
void tunnel_recreate_begin(struct tunnel_recreate *recreate, struct proxy_netns *netns,
			   unsigned int tunnel_index, const struct link *link);

/*
 * After it was attached to: adds what passed unseen to the proxy's bytes (netns->map_entry: to be
 * written), as far as the device counts inner bytes (a userspace one), and how long that may have
 * been.
 */
void tunnel_recreate_end(const struct tunnel_recreate *recreate, struct proxy_netns *netns,
			 const struct watched_link *w);
