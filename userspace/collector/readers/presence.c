// SPDX-License-Identifier: Apache-2.0
/* What is known without the kernel side: that the proxy is there, its listener and its tunnels. */
#include <net/if.h>

#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

void samples_presence(const struct reading *r)
{
	const struct watch *watch = r->watch;
	bool any_usable = false;

	snapshot_add_unsigned(r->to, METRIC_PROXY_INFO, &r->name, 1);
	snapshot_add_unsigned(r->to, METRIC_PROXY_LISTENER_UP, &r->name, watch->listener_up);
	for (unsigned int place = 0; place < ABI_TUNNELS_MAX; place++) {
		const struct watched_link *w = watch_tunnel(watch, place);
		uint32_t labels[] = { r->name, 0 };
		bool up = w && w->link.flags & IFF_UP;

		if (!tunnel_shown(watch, place))
			continue;
		labels[1] = snapshot_string(r->to, tunnel_name(watch, place));
		snapshot_add_unsigned(r->to, METRIC_VPN_INTERFACE_UP, labels, up);
		any_usable |= watch_tunnel_usable(watch, place);
	}
	snapshot_add_unsigned(r->to, METRIC_VPN_STATUS, &r->name, any_usable);
}

bool tunnel_shown(const struct watch *watch, unsigned int place)
{
	return place == 0 || watch->entry.tunnels[place].name[0];
}

const char *tunnel_name(const struct watch *watch, unsigned int place)
{
	const char *name = watch->entry.tunnels[place].name;

	return name[0] ? name : watch->config->interface;
}
