// SPDX-License-Identifier: Apache-2.0
/* What is known without the kernel side: that the proxy is there, its listener and its tunnels. */
#include <net/if.h>

#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

void samples_presence(const struct reading *r)
{
	const struct proxy_netns *netns = r->netns;
	bool any_usable = false;

	snapshot_add_unsigned(r->to, METRIC_PROXY_INFO, &r->name, 1);
	snapshot_add_unsigned(r->to, METRIC_PROXY_LISTENER_UP, &r->name, netns->listener_up);
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct watched_link *w = proxy_netns_tunnel(netns, tunnel_index);
		uint32_t labels[] = { r->name, 0 };
		bool up = w && w->link.flags & IFF_UP;

		if (!tunnel_shown(netns, tunnel_index))
			continue;
		labels[1] = snapshot_string(r->to, tunnel_name(netns, tunnel_index));
		snapshot_add_unsigned(r->to, METRIC_VPN_INTERFACE_UP, labels, up);
		any_usable |= proxy_netns_tunnel_usable(netns, tunnel_index);
	}
	snapshot_add_unsigned(r->to, METRIC_VPN_STATUS, &r->name, any_usable);
}

bool tunnel_shown(const struct proxy_netns *netns, unsigned int tunnel_index)
{
	return tunnel_index == 0 || netns->map_entry.tunnels[tunnel_index].name[0];
}

const char *tunnel_name(const struct proxy_netns *netns, unsigned int tunnel_index)
{
	const char *name = netns->map_entry.tunnels[tunnel_index].name;

	return name[0] ? name : netns->config->interface;
}
