// SPDX-License-Identifier: Apache-2.0
#include "collector/proxy_netns/proxy_netns.h"

#include <stdio.h>
#include <string.h>

#include "collector/attach/attach.h"
#include "collector/discovery/netns.h"
#include "collector/proxy_netns/parts.h"
#include "lib/log/log.h"
#include "lib/time.h"

/* Reading /proc takes about 10 µs for each process. */
#define DISCOVERY_PERIOD_NS (900 * NS_PER_MS)
#define WIREGUARD_PERIOD_NS (900 * NS_PER_MS) /* the period of the tick, with a margin */

/* Truncates a name between characters. */
static void name_copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	while (n && from[n] && ((unsigned char)from[n] & 0xc0) == 0x80)
		n--;
	memset(to, 0, size);
	memcpy(to, from, n);
}

int proxy_netns_open(struct proxy_netns *netns, const struct config *config, struct kernel *kernel,
		     const char *name, bool remote)
{
	int r;

	*netns = (struct proxy_netns){
		.config = config, .kernel = kernel, .remote = remote, .links = LINKS_CLOSED
	};
	snprintf(netns->name, sizeof(netns->name), "%s", name);
	r = wireguard_open(&netns->wireguard, remote ? NULL : "/");
	if (r)
		log_warn("cannot look for sockets of WireGuard", field_text("proxy", netns->name),
			 field_error(r));
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

/*
 * Restores what an earlier process wrote for this namespace: tunnels keep their indexes, and ports
 * with sessions stay.
 */
static void map_entry_take(struct proxy_netns *netns)
{
	struct proxy earlier;

	if (kernel_proxy_read(netns->kernel, netns->slot, &earlier) || !earlier.generation) {
		netns->map_entry.generation = 1;
	} else if (earlier.netns_inode == netns->map_entry.netns_inode &&
		   earlier.netns_cookie == netns->map_entry.netns_cookie) {
		netns->map_entry = earlier;
	} else {
		netns->map_entry.generation =
			earlier.netns_inode ? earlier.generation + 1 : earlier.generation;
	}
	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		netns->former_ifindex[i] = netns->map_entry.tunnels[i].ifindex;
	netns->unwatched_since_ns = kernel_last_second(netns->kernel, netns->slot) * NS_PER_S;
}

/*
 * Publishes the namespace to the socket programs. Repeated while its bucket is full, until another
 * proxy leaves it.
 */
static int netns_publish(struct proxy_netns *netns)
{
	int r = kernel_netns_add(netns->kernel, netns->map_entry.netns_inode, netns->slot);
	bool former = netns->unpublished;

	netns->unpublished = r != 0;
	if (r && !former) {
		__atomic_fetch_add(&netns->kernel->counters[netns->slot].losses.netns_table, 1,
				   __ATOMIC_RELAXED);
		log_error("netns table is full, connections are not counted",
			  field_text("proxy", netns->name));
	} else if (!r && former) {
		log_info("netns table has room, connections are counted",
			 field_text("proxy", netns->name));
		netns->ports_added = true; /* connections may be older than this entry */
	}
	return r;
}

int proxy_netns_start(struct proxy_netns *netns, uint32_t slot)
{
	int r;

	netns->slot = slot;
	map_entry_take(netns);
	netns->started = true;
	interfaces_close(netns, false);
	if (netns->kernel->pinned && !netns->remote)
		attach_prune(netns->kernel->pins.folder); /* links whose interface is gone */
	name_copy(netns->map_entry.name, sizeof(netns->map_entry.name), netns->name);
	ports_add(netns);
	r = map_entry_write(netns);
	if (r)
		return r;
	r = interfaces_dump(netns);
	if (r)
		log_warn("cannot list interfaces", field_text("proxy", netns->name),
			 field_error(r));
	r = map_entry_write(netns);
	if (r)
		return r;
	return netns_publish(netns);
}

void proxy_netns_links(struct proxy_netns *netns)
{
	if (interfaces_read(netns))
		map_entry_write(netns);
}

void proxy_netns_link_event(struct proxy_netns *netns, const struct link *link,
			    enum link_event event)
{
	if (interfaces_event(netns, link, event))
		map_entry_write(netns);
}

void proxy_netns_scan(struct proxy_netns *netns)
{
	if (interfaces_scan(netns))
		map_entry_write(netns);
}

static void repair(struct proxy_netns *netns)
{
	if (!netns->started)
		return;
	interfaces_repair(netns);
	if (netns->unpublished)
		netns_publish(netns);
}

void proxy_netns_repair(struct proxy_netns *netns)
{
	repair(netns);
	proxy_netns_listeners(netns, netns->discovery_due);
}

void proxy_netns_tick(struct proxy_netns *netns)
{
	bool discover;

	if (clock_now_ns() - netns->wireguard.read_ns >=
	    WIREGUARD_PERIOD_NS) /* unless a scrape just read it */
		proxy_netns_wireguard(netns);
	repair(netns);
	discover = netns->discovery_due || !netns->listener_up;
	proxy_netns_listeners(netns, discover && clock_now_ns() - netns->discovered_ns >=
							 DISCOVERY_PERIOD_NS);
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
		attach_prune(netns->kernel->pins.folder); /* links whose interface is gone */
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
	map_entry_write(netns);
}
