// SPDX-License-Identifier: Apache-2.0
#include <net/if.h>

#include "collector/discovery/identity.h"
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

/* Metrics that need no kernel side: the proxy, its listener and its tunnels. */

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

/* Metrics about the pod of a proxy of a node. */

void samples_kubernetes(const struct reading *r, const struct identity *identity, const char *node)
{
	uint32_t labels[5] = { r->name };

	if (!identity->owner.pod_uid[0] || identity->owner.is_nested)
		return;
	labels[1] = snapshot_string(r->to, identity->pod.namespace);
	labels[2] = snapshot_string(r->to, identity->pod.pod);
	labels[3] = snapshot_string(r->to, identity->owner.pod_uid);
	labels[4] = snapshot_string(r->to, node);
	snapshot_add_unsigned(r->to, METRIC_KUBERNETES_INFO, labels, 1);
}

int samples_cost(const struct reading *r)
{
	const struct config *config = r->netns->config;
	uint32_t labels[] = { r->name, snapshot_string(r->to, config->cost_currency) };

	snapshot_add_float(r->to, METRIC_COST, labels, config->cost_per_gigabyte);
	return 0;
}
