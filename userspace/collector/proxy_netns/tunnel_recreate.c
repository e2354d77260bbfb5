// SPDX-License-Identifier: Apache-2.0
#include "collector/proxy_netns/tunnel_recreate.h"

#include <string.h>

#include "lib/log/log.h"

#define READINGS_MAX 8

static bool bytes_counted(const struct proxy_netns *netns, unsigned int tunnel_index,
			  uint64_t *bytes)
{
	struct tunnel_counters counters;

	if (kernel_tunnel_read(netns->kernel, netns->slot * ABI_TUNNELS_MAX + tunnel_index,
			       &counters))
		return false;
	*bytes = tunnel_bytes(&counters);
	return true;
}

void tunnel_recreate_begin(struct tunnel_recreate *recreate, struct proxy_netns *netns,
			   unsigned int tunnel_index, const struct link *link)
{
	const struct proxy_tunnel *t = &netns->map_entry.tunnels[tunnel_index];
	uint32_t former = t->ifindex ?: netns->former_ifindex[tunnel_index];

	*recreate =
		(struct tunnel_recreate){ .known = netns->started &&
						   !strncmp(t->name, link->name, sizeof(t->name)) };
	recreate->recreated = recreate->known && former && former != link->ifindex;
	netns->former_ifindex[tunnel_index] = link->ifindex;
	if (recreate->recreated && !bytes_counted(netns, tunnel_index, &recreate->counted))
		recreate->recreated = false;
}

/*
 * Compares the count of the device with ours at one moment: nothing was counted between two of our
 * readings.
 */
static bool compare(const struct tunnel_recreate *recreate, struct proxy_netns *netns,
		    const struct watched_link *w, int64_t *missed)
{
	struct links once = LINKS_CLOSED, *links = &netns->links;
	bool found = false;

	if (netns->remote) {
		if (links_open_requests(&once))
			return false;
		links = &once;
	}
	for (int i = 0; i < READINGS_MAX && !found; i++) {
		uint64_t before, after;
		struct link now;

		if (!bytes_counted(netns, w->tunnel_index, &before) ||
		    links_query(links, w->link.ifindex, &now) || !now.has_stats ||
		    !bytes_counted(netns, w->tunnel_index, &after))
			break;
		*missed = (int64_t)(now.rx_bytes + now.tx_bytes - (after - recreate->counted));
		found = before == after || i == READINGS_MAX - 1;
	}
	links_close(&once);
	return found;
}

void tunnel_recreate_end(const struct tunnel_recreate *recreate, struct proxy_netns *netns,
			 const struct watched_link *w)
{
	uint64_t now = clock_now_ns();
	int64_t missed = 0;

	if (!recreate->recreated || w->error)
		return;
	if (netns->unwatched_since_ns && netns->unwatched_since_ns < now)
		netns->map_entry.tunnels[w->tunnel_index].unwatched_ns +=
			now - netns->unwatched_since_ns;
	if (!strcmp(w->link.kind, "wireguard") || !compare(recreate, netns, w, &missed) ||
	    missed <= 0)
		return; /* kernel devices count outer bytes */
	netns->map_entry.retired_bytes += (uint64_t)missed;
	log_info("tunnel recreated, added bytes transferred before attach",
		 field_text("proxy", netns->name), field_text("interface", w->link.name),
		 field_signed("bytes", missed));
}
