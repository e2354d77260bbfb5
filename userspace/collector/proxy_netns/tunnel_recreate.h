/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recreated tunnel (wg-quick down and up) can carry packets before we attach to it. The event is
 * read within a millisecond, so usually no packet passes before. While no exporter runs, many pass.
 * The counters of the device give the number of these bytes.
 */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

struct tunnel_recreate {
	bool known;	  /* this index had a tunnel of this name before */
	bool recreated;	  /* this is another device than the watched one */
	uint64_t counted; /* bytes counted by then */
};

/* Call before a tunnel gets its index. */
void tunnel_recreate_begin(struct tunnel_recreate *recreate, struct proxy_netns *netns,
			   unsigned int tunnel_index, const struct link *link);

/*
 * Call after attaching. Adds the uncounted bytes to the bytes of the proxy (in netns->map_entry:
 * write it) if the device counts inner bytes (a userspace device). Adds the unwatched time.
 */
void tunnel_recreate_end(const struct tunnel_recreate *recreate, struct proxy_netns *netns,
			 const struct watched_link *w);
