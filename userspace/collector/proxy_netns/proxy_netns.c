// SPDX-License-Identifier: Apache-2.0
#include "collector/proxy_netns/proxy_netns.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "collector/attach/stub.h"
#include "collector/discovery/listeners.h"
#include "collector/discovery/netns.h"
#include "collector/discovery/processes.h"
#include "collector/kernel/unclaimed.h"
#include "collector/proxy_netns/interfaces.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include <wgsocks/time.h>

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

static int entry_write(struct watch *watch)
{
	return watch->started ? kernel_proxy_write(watch->kernel, watch->slot, &watch->entry) : 0;
}

static bool port_is_current(const struct watch *watch, uint16_t port)
{
	for (unsigned int i = 0; i < watch->port_count; i++) {
		if (watch->ports[i] == port)
			return true;
	}
	return false;
}

/* A place for a port: a free one, else that of a former port with neither listener nor session; else -1. */
static int port_place(struct watch *watch)
{
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (!watch->entry.ports[i])
			return i;
	}
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		uint16_t former = watch->entry.ports[i];

		if (!port_is_current(watch, former) && listeners_present(&former, 1) == 0 &&
		    (!watch->started || !kernel_port_in_use(watch->kernel, watch->slot, former)))
			return i;
	}
	return -1;
}

/* Former ports stay while there is room: a session on one of them must still be recognised when it ends. */
static bool port_add(struct watch *watch, uint16_t port)
{
	int place;

	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (watch->entry.ports[i] == port)
			return false;
	}
	place = port_place(watch);
	if (place < 0) {
		if (watch->ports_lost != port)
			log_warn("proxy %s: no place for port %u: at most %d listener ports are watched", watch->name,
				 port, ABI_PORTS_MAX);
		watch->ports_lost = port;
		return false;
	}
	watch->entry.ports[place] = port;
	watch->ports_added = true;
	log_info("proxy %s: SOCKS listener port %u", watch->name, port);
	return true;
}

int watch_open(struct watch *watch, const struct config *config, struct kernel *kernel, const char *name, bool remote)
{
	int r;

	*watch = (struct watch){ .config = config, .kernel = kernel, .remote = remote, .links = LINKS_CLOSED };
	snprintf(watch->name, sizeof(watch->name), "%s", name);
	r = wireguard_open(&watch->wireguard, remote ? NULL : "/");
	if (r)
		log_warn("cannot look for WireGuard's sockets: %s", strerror(-r));
	watch->ports_configured = config->port_count > 0;
	if (watch->ports_configured) {
		watch->port_count = config->port_count;
		memcpy(watch->ports, config->ports, sizeof(watch->ports));
	}
	r = netns_inode(&watch->entry.netns_inode);
	if (r)
		log_error("cannot tell the network namespace: %s: connections are not seen", strerror(-r));
	watch->entry.netns_cookie = netns_cookie();
	r = remote ? 0 : links_open(&watch->links);
	r = r ?: interfaces_dump(watch);
	watch_listeners(watch, !remote);
	return r;
}

/* What an earlier process wrote of this very namespace: tunnels keep their places, ports with sessions stay. */
static void entry_take(struct watch *watch)
{
	struct proxy earlier;

	if (kernel_proxy_read(watch->kernel, watch->slot, &earlier) || !earlier.generation) {
		watch->entry.generation = 1;
	} else if (earlier.netns_inode == watch->entry.netns_inode &&
		   earlier.netns_cookie == watch->entry.netns_cookie) {
		watch->entry = earlier;
	} else {
		watch->entry.generation = earlier.netns_inode ? earlier.generation + 1 : earlier.generation;
	}
	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		watch->former_ifindex[i] = watch->entry.tunnels[i].ifindex;
	watch->noticed_ns = kernel_last_second(watch->kernel, watch->slot) * NS_PER_S;
}

/* Lets the socket programs find it: again and again where its bucket is full, for another proxy may leave it. */
static int be_found(struct watch *watch)
{
	int r = kernel_netns_add(watch->kernel, watch->entry.netns_inode, watch->slot);
	bool former = watch->unfound;

	watch->unfound = r != 0;
	if (r && !former) {
		__atomic_fetch_add(&watch->kernel->counters[watch->slot].losses.netns_table, 1, __ATOMIC_RELAXED);
		log_error("the netns table has no place for %s: its connections are not seen", watch->name);
	} else if (!r && former) {
		log_info("proxy %s: the netns table has a place for it: its connections are seen", watch->name);
		watch->ports_added = true; /* some are older than that */
	}
	return r;
}

int watch_start(struct watch *watch, uint32_t slot)
{
	int r;

	watch->slot = slot;
	entry_take(watch);
	watch->started = true;
	interfaces_close(watch, false);
	if (watch->kernel->pinned && !watch->remote)
		attach_prune(watch->kernel->pins.folder); /* of interfaces that went while nobody looked */
	name_copy(watch->entry.name, sizeof(watch->entry.name), watch->name);
	for (unsigned int i = 0; i < watch->port_count; i++)
		port_add(watch, watch->ports[i]);
	r = entry_write(watch);
	if (r)
		return r;
	r = interfaces_dump(watch);
	if (r)
		log_warn("proxy %s: cannot list interfaces: %s", watch->name, strerror(-r));
	r = entry_write(watch);
	if (r)
		return r;
	return be_found(watch);
}

void watch_links(struct watch *watch)
{
	if (interfaces_read(watch))
		entry_write(watch);
}

void watch_link_event(struct watch *watch, const struct link *link, enum link_event event)
{
	if (interfaces_event(watch, link, event))
		entry_write(watch);
}

void watch_look(struct watch *watch)
{
	if (interfaces_look(watch))
		entry_write(watch);
}

static bool is_candidate(const struct watch *watch, uint16_t port)
{
	for (unsigned int i = 0; i < watch->candidate_count; i++) {
		if (watch->candidates[i] == port)
			return true;
	}
	return false;
}

/*
 * Ports that are found for the first time are believed at the start, later only when they are still there the next
 * time: the listener of a client's BIND passes through the hands of a SOCKS server's first process.
 */
void watch_ports_found(struct watch *watch, const uint16_t *ports, unsigned int n)
{
	unsigned int kept = 0;

	if (watch->ports_configured)
		return;
	watch->discovery_due = false;
	watch->discovered_ns = clock_now_ns();
	for (unsigned int i = 0; i < n; i++) {
		if (!watch->discovered || is_candidate(watch, ports[i]))
			watch->ports[kept++] = ports[i];
		else
			watch->discovery_due = true;
	}
	if (n > 0) {
		memcpy(watch->candidates, ports, n * sizeof(ports[0]));
		watch->candidate_count = n;
		watch->discovered = true;
	}
	if (kept) {
		watch->port_count = kept;
	} else if (!watch->port_count) {
		watch->ports[0] = WATCH_PORT_DEFAULT; /* nobody is seen: the usual one */
		watch->port_count = 1;
	}
}

static void ports_discover(struct watch *watch)
{
	uint16_t ports[ABI_PORTS_MAX];
	size_t rest = 0;
	int n = processes_listener_ports(watch->config, watch->entry.netns_inode, ports, ABI_PORTS_MAX, &rest);

	if (rest)
		log_warn("proxy %s: %zu more listener ports than the %d that are watched", watch->name, rest,
			 ABI_PORTS_MAX);
	watch_ports_found(watch, ports, n > 0 ? n : 0);
}

static void ports_keep(struct watch *watch, int present)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < watch->port_count; i++) {
		if (present & 1 << i)
			watch->ports[kept++] = watch->ports[i];
	}
	watch->port_count = kept;
	watch->listener_up = true;
}

void watch_listeners(struct watch *watch, bool discover)
{
	bool changed = false;
	int present;

	if (discover && !watch->ports_configured)
		ports_discover(watch);
	for (unsigned int i = 0; i < watch->port_count; i++)
		changed |= port_add(watch, watch->ports[i]);
	if (changed)
		entry_write(watch);
	present = listeners_present(watch->ports, watch->port_count);
	if (present < 0) {
		log_debug("cannot ask for listeners: %s", strerror(-present));
		return;
	}
	if (present &&
	    !watch->ports_configured) /* of those that were found, one that goes is no loss while another stays */
		ports_keep(watch, present);
	else
		watch->listener_up = watch->port_count && present == (1 << watch->port_count) - 1;
}

/* The programs watch this port already; of the others, those without a listener are history. */
static void port_learned(struct watch *watch, uint16_t port)
{
	int present = listeners_present(watch->ports, watch->port_count);
	unsigned int kept = 0;

	for (unsigned int i = 0; i < watch->port_count; i++) {
		if (present >= 0 && present & 1 << i && watch->ports[i] != port)
			watch->ports[kept++] = watch->ports[i];
	}
	if (kept < ABI_PORTS_MAX)
		watch->ports[kept++] = port;
	watch->port_count = kept;
	watch->discovered = true;
}

void watch_listener_event(struct watch *watch, const struct event *event)
{
	bool discovers = event->kind == ABI_EVENT_LISTEN && !watch->ports_configured;

	if (discovers && event->by_server == ABI_SERVER_FIRST)
		port_learned(watch, event->port);
	else if (discovers && event->by_server == ABI_SERVER_UNKNOWN)
		watch->discovery_due = true;
	if (port_is_current(watch, event->port))
		watch_listeners(watch, false);
}

/* The devices' ports, for the handshake program. The last one known stays while a device does not answer. */
static void listen_ports_keep(struct watch *watch)
{
	uint16_t ports[ABI_TUNNELS_MAX];
	bool changed = false;

	for (unsigned int place = 0; place < ABI_TUNNELS_MAX; place++) {
		const struct wireguard_tunnel *t = &watch->wireguard.tunnels[place];
		struct proxy_tunnel *to = &watch->entry.tunnels[place];

		if (!to->ifindex || t->ifindex != to->ifindex || t->error || to->listen_port == t->device.listen_port)
			continue;
		to->listen_port = t->device.listen_port;
		changed = true;
	}
	if (changed)
		interfaces_tunnels_write(watch);
	if (!watch->started)
		return;
	for (unsigned int place = 0; place < ABI_TUNNELS_MAX; place++)
		ports[place] = watch->entry.tunnels[place].ifindex ? watch->entry.tunnels[place].listen_port : 0;
	unclaimed_settle(watch->kernel, watch->slot, ports, clock_now_ns());
}

static bool wireguard_is_on(const struct watch *watch)
{
	return watch->config->collectors & 1u << COLLECTOR_WIREGUARD;
}

void watch_wireguard_begin(struct watch *watch)
{
	struct wireguard_target targets[ABI_TUNNELS_MAX] = {};

	if (!wireguard_is_on(watch))
		return;
	for (unsigned int place = 0; place < ABI_TUNNELS_MAX; place++) {
		const struct watched_link *w = watch_tunnel(watch, place);

		targets[place].name = watch->entry.tunnels[place].name;
		if (!w)
			continue;
		targets[place].ifindex = w->link.ifindex;
		targets[place].in_kernel = !strcmp(w->link.kind, "wireguard");
		targets[place].up = w->link.flags & IFF_UP;
	}
	wireguard_begin(&watch->wireguard, targets);
	if (watch->remote)
		kernel_devices_leave(&watch->wireguard.kernel);
}

int watch_wireguard_end(struct watch *watch)
{
	int r;

	if (!wireguard_is_on(watch))
		return 0;
	r = wireguard_end(&watch->wireguard, watch->name);
	listen_ports_keep(watch);
	return r;
}

int watch_wireguard(struct watch *watch)
{
	struct wireguard *one = &watch->wireguard;

	watch_wireguard_begin(watch);
	if (wireguard_is_on(watch))
		wireguard_await(&one, 1, clock_now_ns() + WIREGUARD_WAIT_NS);
	return watch_wireguard_end(watch);
}

static void repair(struct watch *watch)
{
	if (!watch->started)
		return;
	interfaces_repair(watch);
	if (watch->unfound)
		be_found(watch);
}

void watch_repair(struct watch *watch)
{
	repair(watch);
	watch_listeners(watch, false);
}

void watch_tick(struct watch *watch)
{
	bool discover;

	if (clock_now_ns() - watch->wireguard.read_ns >= WIREGUARD_PERIOD_NS) /* unless a scrape just did */
		watch_wireguard(watch);
	repair(watch);
	discover = watch->discovery_due || !watch->listener_up;
	watch_listeners(watch, discover && clock_now_ns() - watch->discovered_ns >= DISCOVERY_PERIOD_NS);
}

static void release(struct watch *watch)
{
	interfaces_free(watch);
	links_close(&watch->links);
	wireguard_close(&watch->wireguard);
}

void watch_close(struct watch *watch)
{
	interfaces_close(watch, false);
	if (watch->kernel->pinned && !watch->remote)
		attach_prune(watch->kernel->pins.folder); /* of interfaces that went while nobody looked */
	release(watch);
}

void watch_remove(struct watch *watch)
{
	interfaces_close(watch, true);
	release(watch);
}

void watch_gone(struct watch *watch)
{
	interfaces_forget(watch);
	release(watch);
}

void watch_rename(struct watch *watch, const char *name)
{
	snprintf(watch->name, sizeof(watch->name), "%s", name);
	name_copy(watch->entry.name, sizeof(watch->entry.name), name);
	entry_write(watch);
}

const struct watched_link *watch_tunnel(const struct watch *watch, unsigned int place)
{
	uint32_t ifindex = place < ABI_TUNNELS_MAX ? watch->entry.tunnels[place].ifindex : 0;

	for (unsigned int i = 0; ifindex && i < watch->table_size; i++) {
		if (watch->table[i].link.ifindex == ifindex)
			return &watch->table[i];
	}
	return NULL;
}

/* What is known of the device behind an interface: NULL when nothing is. */
static const struct wireguard_tunnel *tunnel_device(const struct watch *watch, const struct watched_link *w)
{
	const struct wireguard_tunnel *t = &watch->wireguard.tunnels[w->place];

	return t->known && t->ifindex == w->link.ifindex ? t : NULL;
}

bool watch_tunnel_usable(const struct watch *watch, unsigned int place)
{
	const struct watched_link *w = watch_tunnel(watch, place);
	const struct wireguard_tunnel *t = w ? tunnel_device(watch, w) : NULL;

	return w && w->link.flags & IFF_UP && (!t || tunnel_usable(t->state));
}

static enum health_tunnel tunnel_health(const struct watch *watch, const struct watched_link *w)
{
	static const enum health_tunnel of[TUNNEL_STATE_MAX] = {
		[TUNNEL_NO_INTERFACE] = HEALTH_TUNNEL_INTERFACE_DOWN, /* it is there */
		[TUNNEL_NO_PEER] = HEALTH_TUNNEL_NO_PEER,
		[TUNNEL_NEVER] = HEALTH_TUNNEL_NEVER,
		[TUNNEL_UP] = HEALTH_TUNNEL_UP,
		[TUNNEL_IDLE] = HEALTH_TUNNEL_IDLE,
		[TUNNEL_STALE] = HEALTH_TUNNEL_STALE,
	};
	const struct wireguard_tunnel *t = tunnel_device(watch, w);

	if (!(w->link.flags & IFF_UP))
		return HEALTH_TUNNEL_INTERFACE_DOWN;
	return t ? of[t->state] : HEALTH_TUNNEL_UP;
}

void watch_health(const struct watch *watch, struct health_proxy *health)
{
	bool usable = false;

	memset(health, 0, sizeof(*health));
	snprintf(health->name, sizeof(health->name), "%s", watch->name);
	health->listener_up = watch->listener_up;
	health->started = watch->started;
	health->tunnel = HEALTH_TUNNEL_NO_INTERFACE;
	for (unsigned int place = 0; place < ABI_TUNNELS_MAX && !usable;
	     place++) { /* any tunnel that is usable will do */
		const struct watched_link *w = watch_tunnel(watch, place);

		if (!w)
			continue;
		snprintf(health->interface, sizeof(health->interface), "%s", w->link.name);
		health->tunnel = tunnel_health(watch, w);
		usable = watch_tunnel_usable(watch, place);
	}
}
