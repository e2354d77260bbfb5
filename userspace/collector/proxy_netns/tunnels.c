// SPDX-License-Identifier: Apache-2.0
/* The tunnels of a proxy: their WireGuard devices, and whether they are usable. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "collector/kernel/sweep.h"
#include "collector/proxy_netns/parts.h"

const struct watched_link *proxy_netns_tunnel(const struct proxy_netns *netns,
					      unsigned int tunnel_index)
{
	uint32_t ifindex =
		tunnel_index < ABI_TUNNELS_MAX ? netns->map_entry.tunnels[tunnel_index].ifindex : 0;

	for (unsigned int i = 0; ifindex && i < netns->table_size; i++) {
		if (netns->table[i].link.ifindex == ifindex)
			return &netns->table[i];
	}
	return NULL;
}

/* Returns the device of an interface; NULL if it is not known. */
static const struct wireguard_tunnel *tunnel_device(const struct proxy_netns *netns,
						    const struct watched_link *w)
{
	const struct wireguard_tunnel *t = &netns->wireguard.tunnels[w->tunnel_index];

	return t->known && t->ifindex == w->link.ifindex ? t : NULL;
}

bool proxy_netns_tunnel_usable(const struct proxy_netns *netns, unsigned int tunnel_index)
{
	const struct watched_link *w = proxy_netns_tunnel(netns, tunnel_index);
	const struct wireguard_tunnel *t = w ? tunnel_device(netns, w) : NULL;

	return w && w->link.flags & IFF_UP && (!t || tunnel_usable(t->state));
}

static enum health_tunnel tunnel_health(const struct proxy_netns *netns,
					const struct watched_link *w)
{
	static const enum health_tunnel of[TUNNEL_STATE_MAX] = {
		[TUNNEL_NO_INTERFACE] = HEALTH_TUNNEL_INTERFACE_DOWN, /* for a device that exists */
		[TUNNEL_NO_PEER] = HEALTH_TUNNEL_NO_PEER,
		[TUNNEL_NEVER] = HEALTH_TUNNEL_NEVER,
		[TUNNEL_UP] = HEALTH_TUNNEL_UP,
		[TUNNEL_IDLE] = HEALTH_TUNNEL_IDLE,
		[TUNNEL_STALE] = HEALTH_TUNNEL_STALE,
	};
	const struct wireguard_tunnel *t = tunnel_device(netns, w);

	if (!(w->link.flags & IFF_UP))
		return HEALTH_TUNNEL_INTERFACE_DOWN;
	return t ? of[t->state] : HEALTH_TUNNEL_UP;
}

void proxy_netns_health(const struct proxy_netns *netns, struct health_proxy *health)
{
	bool usable = false;

	memset(health, 0, sizeof(*health));
	snprintf(health->name, sizeof(health->name), "%s", netns->name);
	health->listener_up = netns->listener_up;
	health->started = netns->started;
	health->tunnel = HEALTH_TUNNEL_NO_INTERFACE;
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX && !usable;
	     tunnel_index++) { /* one usable tunnel is enough */
		const struct watched_link *w = proxy_netns_tunnel(netns, tunnel_index);

		if (!w)
			continue;
		snprintf(health->interface, sizeof(health->interface), "%s", w->link.name);
		health->tunnel = tunnel_health(netns, w);
		usable = proxy_netns_tunnel_usable(netns, tunnel_index);
	}
}

/*
 * Stores the listen ports of the devices for the handshake program. Keeps the last known port while
 * a device does not answer.
 */
static void listen_ports_keep(struct proxy_netns *netns)
{
	uint16_t ports[ABI_TUNNELS_MAX];
	bool changed = false;

	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct wireguard_tunnel *t = &netns->wireguard.tunnels[tunnel_index];
		struct proxy_tunnel *to = &netns->map_entry.tunnels[tunnel_index];

		if (!to->ifindex || t->ifindex != to->ifindex || t->error ||
		    to->listen_port == t->device.listen_port)
			continue;
		to->listen_port = t->device.listen_port;
		changed = true;
	}
	if (changed)
		interfaces_tunnels_write(netns);
	if (!netns->started)
		return;
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++)
		ports[tunnel_index] = netns->map_entry.tunnels[tunnel_index].ifindex
					      ? netns->map_entry.tunnels[tunnel_index].listen_port
					      : 0;
	unclaimed_settle(netns->kernel, netns->slot, ports, clock_now_ns());
}

static bool wireguard_is_on(const struct proxy_netns *netns)
{
	return netns->config->collectors & 1u << COLLECTOR_WIREGUARD;
}

void proxy_netns_wireguard_begin(struct proxy_netns *netns)
{
	struct wireguard_target targets[ABI_TUNNELS_MAX] = {};

	if (!wireguard_is_on(netns))
		return;
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct watched_link *w = proxy_netns_tunnel(netns, tunnel_index);

		targets[tunnel_index].name = netns->map_entry.tunnels[tunnel_index].name;
		if (!w)
			continue;
		targets[tunnel_index].ifindex = w->link.ifindex;
		targets[tunnel_index].in_kernel = !strcmp(w->link.kind, "wireguard");
		targets[tunnel_index].up = w->link.flags & IFF_UP;
	}
	wireguard_begin(&netns->wireguard, targets);
	if (netns->remote)
		kernel_devices_leave(&netns->wireguard.kernel);
}

int proxy_netns_wireguard_end(struct proxy_netns *netns)
{
	int r;

	if (!wireguard_is_on(netns))
		return 0;
	r = wireguard_end(&netns->wireguard, netns->name);
	listen_ports_keep(netns);
	return r;
}

int proxy_netns_wireguard(struct proxy_netns *netns)
{
	struct wireguard *one = &netns->wireguard;

	proxy_netns_wireguard_begin(netns);
	if (wireguard_is_on(netns))
		wireguard_await(&one, 1, clock_now_ns() + WIREGUARD_WAIT_NS);
	return proxy_netns_wireguard_end(netns);
}
