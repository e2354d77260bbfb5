// SPDX-License-Identifier: Apache-2.0
#include "collector/proxy_netns/proxy_netns.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "collector/attach/attach.h"
#include "collector/discovery/listeners.h"
#include "collector/discovery/netns.h"
#include "collector/discovery/processes.h"
#include "collector/kernel/sweep.h"
#include "collector/proxy_netns/interfaces.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/time.h"

/* Reading /proc takes about 10 µs a process. */
#define DISCOVERY_PERIOD_NS (900 * NS_PER_MS)
#define WIREGUARD_PERIOD_NS (900 * NS_PER_MS) /* a tick's, with a margin */

/* Cuts a name to what fits, at a character's boundary. */
static void name_copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	while (n && from[n] && ((unsigned char)from[n] & 0xc0) == 0x80)
		n--;
	memset(to, 0, size);
	memcpy(to, from, n);
}

static int entry_write(struct proxy_netns *netns)
{
	return netns->started ? kernel_proxy_write(netns->kernel, netns->slot, &netns->map_entry) : 0;
}

static bool port_is_current(const struct proxy_netns *netns, uint16_t port)
{
	for (unsigned int i = 0; i < netns->port_count; i++) {
		if (netns->ports[i] == port)
			return true;
	}
	return false;
}

/* An index for a port: a free one, else that of a former port with neither listener nor session; else -1. */
static int port_index(struct proxy_netns *netns)
{
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (!netns->map_entry.ports[i])
			return i;
	}
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		uint16_t former = netns->map_entry.ports[i];

		if (!port_is_current(netns, former) && listeners_present(&former, 1) == 0 &&
		    (!netns->started || !kernel_port_in_use(netns->kernel, netns->slot, former)))
			return i;
	}
	return -1;
}

/* Former ports stay while there is room: a session on one of them must still be recognised when it ends. */
static bool port_add(struct proxy_netns *netns, uint16_t port)
{
	int index;

	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (netns->map_entry.ports[i] == port)
			return false;
	}
	index = port_index(netns);
	if (index < 0) {
		if (netns->ports_lost != port)
			log_warn("too many listener ports, port is not watched", field_text("proxy", netns->name),
				 field_unsigned("port", port), field_unsigned("limit", ABI_PORTS_MAX));
		netns->ports_lost = port;
		return false;
	}
	netns->map_entry.ports[index] = port;
	netns->ports_added = true;
	log_info("watching SOCKS listener", field_text("proxy", netns->name), field_unsigned("port", port));
	return true;
}

int proxy_netns_open(struct proxy_netns *netns, const struct config *config, struct kernel *kernel, const char *name,
		     bool remote)
{
	int r;

	*netns = (struct proxy_netns){ .config = config, .kernel = kernel, .remote = remote, .links = LINKS_CLOSED };
	snprintf(netns->name, sizeof(netns->name), "%s", name);
	r = wireguard_open(&netns->wireguard, remote ? NULL : "/");
	if (r)
		log_warn("cannot look for sockets of WireGuard", field_text("proxy", netns->name), field_error(r));
	netns->ports_configured = config->port_count > 0;
	if (netns->ports_configured) {
		netns->port_count = config->port_count;
		memcpy(netns->ports, config->ports, sizeof(netns->ports));
	}
	r = netns_inode(&netns->map_entry.netns_inode);
	if (r)
		log_error("cannot identify network namespace, connections are not counted",
			  field_text("proxy", netns->name), field_error(r));
	netns->map_entry.netns_cookie = netns_cookie();
	r = remote ? 0 : links_open(&netns->links);
	r = r ?: interfaces_dump(netns);
	proxy_netns_listeners(netns, !remote);
	return r;
}

/* What an earlier process wrote of this very namespace: tunnels keep their indexes, ports with sessions stay. */
static void entry_take(struct proxy_netns *netns)
{
	struct proxy earlier;

	if (kernel_proxy_read(netns->kernel, netns->slot, &earlier) || !earlier.generation) {
		netns->map_entry.generation = 1;
	} else if (earlier.netns_inode == netns->map_entry.netns_inode &&
		   earlier.netns_cookie == netns->map_entry.netns_cookie) {
		netns->map_entry = earlier;
	} else {
		netns->map_entry.generation = earlier.netns_inode ? earlier.generation + 1 : earlier.generation;
	}
	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		netns->former_ifindex[i] = netns->map_entry.tunnels[i].ifindex;
	netns->noticed_ns = kernel_last_second(netns->kernel, netns->slot) * NS_PER_S;
}

/* Lets the socket programs find it: again and again where its bucket is full, for another proxy may leave it. */
static int be_found(struct proxy_netns *netns)
{
	int r = kernel_netns_add(netns->kernel, netns->map_entry.netns_inode, netns->slot);
	bool former = netns->unfound;

	netns->unfound = r != 0;
	if (r && !former) {
		__atomic_fetch_add(&netns->kernel->counters[netns->slot].losses.netns_table, 1, __ATOMIC_RELAXED);
		log_error("netns table is full, connections are not counted", field_text("proxy", netns->name));
	} else if (!r && former) {
		log_info("netns table has room, connections are counted", field_text("proxy", netns->name));
		netns->ports_added = true; /* some are older than that */
	}
	return r;
}

int proxy_netns_start(struct proxy_netns *netns, uint32_t slot)
{
	int r;

	netns->slot = slot;
	entry_take(netns);
	netns->started = true;
	interfaces_close(netns, false);
	if (netns->kernel->pinned && !netns->remote)
		attach_prune(netns->kernel->pins.folder); /* of interfaces that went while nobody looked */
	name_copy(netns->map_entry.name, sizeof(netns->map_entry.name), netns->name);
	for (unsigned int i = 0; i < netns->port_count; i++)
		port_add(netns, netns->ports[i]);
	r = entry_write(netns);
	if (r)
		return r;
	r = interfaces_dump(netns);
	if (r)
		log_warn("cannot list interfaces", field_text("proxy", netns->name), field_error(r));
	r = entry_write(netns);
	if (r)
		return r;
	return be_found(netns);
}

void proxy_netns_links(struct proxy_netns *netns)
{
	if (interfaces_read(netns))
		entry_write(netns);
}

void proxy_netns_link_event(struct proxy_netns *netns, const struct link *link, enum link_event event)
{
	if (interfaces_event(netns, link, event))
		entry_write(netns);
}

void proxy_netns_scan(struct proxy_netns *netns)
{
	if (interfaces_scan(netns))
		entry_write(netns);
}

static bool is_candidate(const struct proxy_netns *netns, uint16_t port)
{
	for (unsigned int i = 0; i < netns->candidate_count; i++) {
		if (netns->candidates[i] == port)
			return true;
	}
	return false;
}

/*
 * Ports that are found for the first time are believed at the start, later only when they are still there the next
 * time: the listener of a client's BIND passes through the hands of a SOCKS server's first process.
 */
void proxy_netns_ports_found(struct proxy_netns *netns, const uint16_t *ports, unsigned int n)
{
	unsigned int kept = 0;

	if (netns->ports_configured)
		return;
	netns->discovery_due = false;
	netns->discovered_ns = clock_now_ns();
	for (unsigned int i = 0; i < n; i++) {
		if (!netns->discovered || is_candidate(netns, ports[i]))
			netns->ports[kept++] = ports[i];
		else
			netns->discovery_due = true;
	}
	if (n > 0) {
		memcpy(netns->candidates, ports, n * sizeof(ports[0]));
		netns->candidate_count = n;
		netns->discovered = true;
	}
	if (kept) {
		netns->port_count = kept;
	} else if (!netns->port_count) {
		netns->ports[0] = SOCKS_PORT_DEFAULT; /* nobody is seen: the usual one */
		netns->port_count = 1;
	}
}

static void ports_discover(struct proxy_netns *netns)
{
	uint16_t ports[ABI_PORTS_MAX];
	size_t rest = 0;
	int n = processes_listener_ports(netns->config, netns->map_entry.netns_inode, ports, ABI_PORTS_MAX, &rest);

	if (rest)
		log_warn("too many listener ports, some are not watched", field_text("proxy", netns->name),
			 field_unsigned("count", rest), field_unsigned("limit", ABI_PORTS_MAX));
	proxy_netns_ports_found(netns, ports, n > 0 ? n : 0);
}

static void ports_keep(struct proxy_netns *netns, int present)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < netns->port_count; i++) {
		if (present & 1 << i)
			netns->ports[kept++] = netns->ports[i];
	}
	netns->port_count = kept;
	netns->listener_up = true;
}

void proxy_netns_listeners(struct proxy_netns *netns, bool discover)
{
	bool changed = false;
	int present;

	if (discover && !netns->ports_configured)
		ports_discover(netns);
	for (unsigned int i = 0; i < netns->port_count; i++)
		changed |= port_add(netns, netns->ports[i]);
	if (changed)
		entry_write(netns);
	present = listeners_present(netns->ports, netns->port_count);
	if (present < 0) {
		log_debug("cannot ask for listeners", field_text("proxy", netns->name), field_error(present));
		return;
	}
	if (present &&
	    !netns->ports_configured) /* of those that were found, one that goes is no loss while another stays */
		ports_keep(netns, present);
	else
		netns->listener_up = netns->port_count && present == (1 << netns->port_count) - 1;
}

/* The programs watch this port already; of the others, those without a listener are history. */
static void port_learned(struct proxy_netns *netns, uint16_t port)
{
	int present = listeners_present(netns->ports, netns->port_count);
	unsigned int kept = 0;

	for (unsigned int i = 0; i < netns->port_count; i++) {
		if (present >= 0 && present & 1 << i && netns->ports[i] != port)
			netns->ports[kept++] = netns->ports[i];
	}
	if (kept < ABI_PORTS_MAX)
		netns->ports[kept++] = port;
	netns->port_count = kept;
	netns->discovered = true;
}

void proxy_netns_listener_event(struct proxy_netns *netns, const struct event *event)
{
	bool discovers = event->kind == ABI_EVENT_LISTEN && !netns->ports_configured;

	if (discovers && event->by_server == ABI_SERVER_FIRST)
		port_learned(netns, event->port);
	else if (discovers && event->by_server == ABI_SERVER_UNKNOWN)
		netns->discovery_due = true;
	if (port_is_current(netns, event->port))
		proxy_netns_listeners(netns, false);
}

/* The devices' ports, for the handshake program. The last one known stays while a device does not answer. */
static void listen_ports_keep(struct proxy_netns *netns)
{
	uint16_t ports[ABI_TUNNELS_MAX];
	bool changed = false;

	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct wireguard_tunnel *t = &netns->wireguard.tunnels[tunnel_index];
		struct proxy_tunnel *to = &netns->map_entry.tunnels[tunnel_index];

		if (!to->ifindex || t->ifindex != to->ifindex || t->error || to->listen_port == t->device.listen_port)
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

static void repair(struct proxy_netns *netns)
{
	if (!netns->started)
		return;
	interfaces_repair(netns);
	if (netns->unfound)
		be_found(netns);
}

void proxy_netns_repair(struct proxy_netns *netns)
{
	repair(netns);
	proxy_netns_listeners(netns, false);
}

void proxy_netns_tick(struct proxy_netns *netns)
{
	bool discover;

	if (clock_now_ns() - netns->wireguard.read_ns >= WIREGUARD_PERIOD_NS) /* unless a scrape just did */
		proxy_netns_wireguard(netns);
	repair(netns);
	discover = netns->discovery_due || !netns->listener_up;
	proxy_netns_listeners(netns, discover && clock_now_ns() - netns->discovered_ns >= DISCOVERY_PERIOD_NS);
}

static void release(struct proxy_netns *netns)
{
	interfaces_free(netns);
	links_close(&netns->links);
	wireguard_close(&netns->wireguard);
}

void proxy_netns_close(struct proxy_netns *netns)
{
	interfaces_close(netns, false);
	if (netns->kernel->pinned && !netns->remote)
		attach_prune(netns->kernel->pins.folder); /* of interfaces that went while nobody looked */
	release(netns);
}

void proxy_netns_remove(struct proxy_netns *netns)
{
	interfaces_close(netns, true);
	release(netns);
}

void proxy_netns_gone(struct proxy_netns *netns)
{
	interfaces_forget(netns);
	release(netns);
}

void proxy_netns_rename(struct proxy_netns *netns, const char *name)
{
	snprintf(netns->name, sizeof(netns->name), "%s", name);
	name_copy(netns->map_entry.name, sizeof(netns->map_entry.name), name);
	entry_write(netns);
}

const struct watched_link *proxy_netns_tunnel(const struct proxy_netns *netns, unsigned int tunnel_index)
{
	uint32_t ifindex = tunnel_index < ABI_TUNNELS_MAX ? netns->map_entry.tunnels[tunnel_index].ifindex : 0;

	for (unsigned int i = 0; ifindex && i < netns->table_size; i++) {
		if (netns->table[i].link.ifindex == ifindex)
			return &netns->table[i];
	}
	return NULL;
}

/* What is known of the device behind an interface: NULL when nothing is. */
static const struct wireguard_tunnel *tunnel_device(const struct proxy_netns *netns, const struct watched_link *w)
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

static enum health_tunnel tunnel_health(const struct proxy_netns *netns, const struct watched_link *w)
{
	static const enum health_tunnel of[TUNNEL_STATE_MAX] = {
		[TUNNEL_NO_INTERFACE] = HEALTH_TUNNEL_INTERFACE_DOWN, /* it is there */
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
	     tunnel_index++) { /* any tunnel that is usable will do */
		const struct watched_link *w = proxy_netns_tunnel(netns, tunnel_index);

		if (!w)
			continue;
		snprintf(health->interface, sizeof(health->interface), "%s", w->link.name);
		health->tunnel = tunnel_health(netns, w);
		usable = proxy_netns_tunnel_usable(netns, tunnel_index);
	}
}
