// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/managed_proxy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/discovery/listeners.h"
#include "collector/discovery/naming.h"
#include "collector/discovery/netns.h"
#include "collector/kernel/slots.h"
#include "collector/proxy_netns/netns_enter.h"
#include "collector/readers/readers.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/time.h"

/* ---- start ---- */

/* Finds the listening ports in the current namespace; 0: not a proxy (yet). */
static int ports_find(const struct proxies *proxies, const struct server_group *group,
		      uint16_t ports[ABI_PORTS_MAX])
{
	const struct config *config = proxies->config;

	if (config->port_count)
		return listeners_present(config->ports, config->port_count) > 0;
	return processes_ports_of(group->processes, group->count, ports, ABI_PORTS_MAX, NULL);
}

/* Call in the namespace. Creates its proxy. */
static int managed_proxy_make(struct proxies *proxies, uint32_t inode, pid_t pid, int32_t nsid,
			      const uint16_t *ports, int port_count)
{
	struct managed_proxy *p = calloc(1, sizeof(*p));
	char name[32];
	int r;

	if (!p)
		return -ENOMEM;
	snprintf(name, sizeof(name), "netns-%" PRIu32, inode); /* until it is named */
	r = proxy_netns_open(&p->netns, proxies->config, proxies->kernel, name, true);
	if (r)
		log_warn("cannot list interfaces", field_text("proxy", name), field_error(r));
	p->netns.pid = pid;
	p->nsid = nsid;
	proxy_netns_ports_found(&p->netns, ports, port_count);
	proxy_netns_listeners(&p->netns, false);
	p->start_due = true;
	p->repaired_ns = clock_now_ns();
	proxies->waiting++;
	proxies->managed[proxies->count++] = p;
	return 1;
}

/* Call in the namespace. Creates a proxy if a server listens. */
static int managed_proxy_find(struct proxies *proxies, const struct server_group *group,
			      int32_t nsid)
{
	uint16_t ports[ABI_PORTS_MAX];
	int n = ports_find(proxies, group, ports);

	if (n <= 0)
		return n;
	if (proxies->count == proxies->config->proxies_max)
		return -ENOSPC;
	return managed_proxy_make(proxies, group->processes->netns_inode, group->processes->pid,
				  nsid, ports, proxies->config->port_count ? 0 : n);
}

/*
 * Returns the number that identifies events of a namespace; without one, only periodic scans find
 * changes.
 */
static int32_t number_of(struct proxies *proxies, uint32_t inode, int fd)
{
	int32_t nsid = NSID_NONE;
	int r = inode == proxies->own_inode ? 0
					    : namespaces_number(&proxies->namespaces, fd, &nsid);

	if (r)
		log_debug("cannot assign an id to network namespace",
			  field_unsigned("netns", inode), field_error(r));
	for (uint32_t i = 0; !r && nsid != NSID_NONE && i < proxies->count; i++)
		proxies->managed[i]->gone |= proxies->managed[i]->nsid ==
					     nsid; /* its end was missed: the number was reused */
	return r ? NSID_NONE : nsid;
}

int managed_proxy_add(struct proxies *proxies, const struct server_group *group)
{
	uint32_t inode = group->processes->netns_inode;
	pid_t pid = group->processes->pid;
	_cleanup_close_ int fd = netns_open(inode, &pid);
	int32_t nsid;
	int r;

	if (fd < 0)
		return fd;
	nsid = number_of(proxies, inode, fd);
	r = netns_enter(fd);
	if (r)
		return r;
	r = managed_proxy_find(proxies, group, nsid);
	netns_home_return();
	return r;
}

bool managed_proxy_identify(struct proxies *proxies, struct managed_proxy *p)
{
	const struct proxy *entry = &p->netns.map_entry;

	return !p->identity.settled &&
	       identity_read(&p->identity, &proxies->identities, p->netns.pid, entry->netns_inode,
			     entry->netns_cookie);
}

void managed_proxies_name(struct proxies *proxies)
{
	_cleanup_free_ struct naming_entry *entries = calloc(proxies->count ?: 1, sizeof(*entries));
	_cleanup_free_ struct naming_entry **sorted =
		calloc(proxies->count ?: 1, sizeof(struct naming_entry *));

	if (!entries || !sorted)
		return;
	for (uint32_t i = 0; i < proxies->count; i++) {
		const struct managed_proxy *p = proxies->managed[i];

		entries[i].name = p->identity.name;
		entries[i].uid = p->identity.owner.pod_uid;
		entries[i].cookie = p->netns.map_entry.netns_cookie;
		entries[i].inode = p->netns.map_entry.netns_inode;
		sorted[i] = &entries[i];
	}
	naming_assign(sorted, proxies->count);
	for (uint32_t i = 0; i < proxies->count; i++) {
		if (strcmp(entries[i].label, proxies->managed[i]->netns.name) != 0)
			proxy_netns_rename(&proxies->managed[i]->netns, entries[i].label);
	}
}

/* Discards the name from an earlier process: the server can now be read. */
static void server_came(struct managed_proxy *p)
{
	struct identity named = {};

	memcpy(named.name, p->identity.name, sizeof(named.name));
	p->identity = named;
}

void managed_proxy_seen(struct managed_proxy *p, const struct server_group *group)
{
	uint16_t ports[ABI_PORTS_MAX];
	int n;

	p->netns.pid = group->processes->pid;
	if (p->identity.former[0])
		server_came(p);
	if (p->netns.listener_up || proxy_netns_enter(&p->netns))
		return;
	n = processes_ports_of(group->processes, group->count, ports, ABI_PORTS_MAX, NULL);
	if (n > 0)
		proxy_netns_ports_found(&p->netns, ports, n);
	proxy_netns_listeners(&p->netns, false);
	proxy_netns_leave(&p->netns);
}

void managed_proxy_start(struct proxies *proxies, struct managed_proxy *p)
{
	struct proxy_netns *netns = &p->netns;
	int64_t slot = slot_find(proxies->kernel, netns->map_entry.netns_inode,
				 netns->map_entry.netns_cookie);
	int r;

	if (proxies->config->mode == CONFIG_MODE_SIDECAR)
		slot = 0;
	else if (slot < 0)
		slot = slot_free(proxies->kernel);
	if (slot == -ENOSPC && proxies->ended) { /* clearing the ended proxies frees slots */
		p->start_due = true;
		proxies->waiting++;
		return;
	}
	if (slot < 0) {
		log_warn("no slot for proxy", field_text("proxy", netns->name),
			 field_error((int)slot));
		return;
	}
	r = proxy_netns_enter(netns);
	if (r) {
		log_info("cannot enter network namespace", field_text("proxy", netns->name),
			 field_error(r), field_text("action", "retry"));
		p->start_due = true; /* it may be gone: an event will tell */
		proxies->waiting++;
		return;
	}
	proxy_netns_start(netns, (uint32_t)slot);
	proxy_netns_leave(netns);
	proxies->by_slot[slot] = p;
	clients_settle(proxies->kernel, netns->slot);
	window_remember(proxies->kernel, netns->slot, clock_now_ns() / NS_PER_S);
	compat_remember(proxies->kernel, netns, clock_now_ns());
	log_info("watching proxy", field_text("proxy", netns->name),
		 field_text("pins", proxies->kernel->pinned ? "on" : "off"),
		 field_text("counters", proxies->kernel->taken_over && netns->map_entry.generation
						? "continued"
						: "new"));
}

static bool is_managed(const struct proxies *proxies, const struct proxy *entry)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		const struct proxy *own = &proxies->managed[i]->netns.map_entry;

		if (own->netns_inode == entry->netns_inode &&
		    own->netns_cookie == entry->netns_cookie)
			return true;
	}
	return false;
}

/* Restores the proxy if its namespace exists, even if no server runs in it. */
static bool restore_alive(struct proxies *proxies, const struct proxy *entry)
{
	pid_t pid = 0;
	_cleanup_close_ int fd = netns_open(entry->netns_inode, &pid);
	unsigned int count = 0;
	int32_t nsid;
	bool alive;

	if (fd < 0 || proxies->count == proxies->config->proxies_max)
		return false;
	nsid = number_of(proxies, entry->netns_inode, fd);
	if (netns_enter(fd))
		return false;
	alive = netns_cookie() == entry->netns_cookie;
	while (count < ABI_PORTS_MAX && entry->ports[count])
		count++;
	if (alive)
		alive = managed_proxy_make(proxies, entry->netns_inode, pid, nsid, entry->ports,
					   count) == 1;
	if (alive)
		memcpy(proxies->managed[proxies->count - 1]->identity.former, entry->name,
		       sizeof(entry->name) - 1);
	netns_home_return();
	return alive;
}

void managed_proxy_restore(struct proxies *proxies, uint32_t slot)
{
	struct proxy entry;
	int r;

	if (kernel_proxy_read(proxies->kernel, slot, &entry) || !entry.netns_inode ||
	    is_managed(proxies, &entry) || restore_alive(proxies, &entry))
		return;
	log_info("proxy ended while no exporter watched it",
		 field_bytes("proxy", entry.name, sizeof(entry.name)));
	r = slot_clear(proxies->kernel, slot);
	if (r)
		log_warn("cannot clear slot, it stays reserved", field_unsigned("slot", slot),
			 field_error(r));
}

/* ---- check and repair ---- */

void managed_proxy_check(struct proxies *proxies, struct managed_proxy *p)
{
	if (p->nsid != NSID_NONE && namespaces_alive(&proxies->namespaces, p->nsid) == 0)
		p->gone = true;
}

void managed_proxy_repair(struct proxies *proxies, struct managed_proxy *p)
{
	p->repaired_ns = clock_now_ns();
	managed_proxy_check(proxies, p);
	if (proxy_netns_enter(&p->netns))
		return;
	if (p->scan_due) {
		p->scan_due = false;
		proxy_netns_scan(&p->netns);
	}
	proxy_netns_repair(&p->netns);
	proxy_netns_leave(&p->netns);
}

/* ---- end ---- */

void managed_proxy_retire(struct proxies *proxies, struct managed_proxy *p)
{
	log_info("network namespace of proxy is gone", field_text("proxy", p->netns.name));
	if (p->netns.started)
		proxies->by_slot[p->netns.slot] = NULL;
	proxies->waiting -= p->start_due;
	proxies->links_lost += p->netns.links_lost;
	proxies->peers_lost += p->netns.wireguard.lost;
	p->next = proxies->ended;
	proxies->ended = p;
}

void managed_proxy_end(struct proxies *proxies, struct managed_proxy *p)
{
	struct proxy_netns *netns = &p->netns;
	int r = 0;

	/* Before the slot is cleared, so that counts of last packets are cleared too */
	proxy_netns_gone(netns);
	if (netns->started) {
		destinations_forget(proxies->destinations, netns->slot);
		r = slot_clear(proxies->kernel, netns->slot);
	}
	if (r)
		log_warn("cannot clear slot, it stays reserved", field_text("proxy", netns->name),
			 field_unsigned("slot", netns->slot), field_error(r));
	free(p);
}

void managed_proxy_close(struct managed_proxy *p, bool remove)
{
	if (!proxy_netns_enter(&p->netns)) {
		if (remove)
			proxy_netns_remove(&p->netns);
		else
			proxy_netns_close(&p->netns);
		proxy_netns_leave(&p->netns);
	}
	free(p);
}
