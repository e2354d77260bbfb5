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
#include <wgsocks/time.h>

/* ---- beginning ---- */

/* The ports that are listened on in the namespace that is visited; 0: it is no proxy (yet). */
static int ports_find(const struct proxies *proxies, const struct census_group *group, uint16_t ports[ABI_PORTS_MAX])
{
	const struct config *config = proxies->config;

	if (config->port_count)
		return listeners_present(config->ports, config->port_count) > 0;
	return processes_ports_of(group->processes, group->count, ports, ABI_PORTS_MAX, NULL);
}

/* In the namespace: makes a member of it. */
static int member_make(struct proxies *proxies, uint32_t inode, pid_t pid, int32_t nsid, const uint16_t *ports,
		       int port_count)
{
	struct member *m = calloc(1, sizeof(*m));
	char name[32];
	int r;

	if (!m)
		return -ENOMEM;
	snprintf(name, sizeof(name), "netns-%" PRIu32, inode); /* until it is named */
	r = watch_open(&m->watch, proxies->config, proxies->kernel, name, true);
	if (r)
		log_warn("proxy %s: cannot list interfaces: %s", name, strerror(-r));
	m->watch.pid = pid;
	m->nsid = nsid;
	watch_ports_found(&m->watch, ports, port_count);
	watch_listeners(&m->watch, false);
	m->waits = true;
	m->repaired_ns = clock_now_ns();
	proxies->waiting++;
	proxies->members[proxies->count++] = m;
	return 1;
}

/* In the namespace: whether somebody listens. */
static int member_find(struct proxies *proxies, const struct census_group *group, int32_t nsid)
{
	uint16_t ports[ABI_PORTS_MAX];
	int n = ports_find(proxies, group, ports);

	if (n <= 0)
		return n;
	if (proxies->count == proxies->config->proxies_max)
		return -ENOSPC;
	return member_make(proxies, group->processes->netns_inode, group->processes->pid, nsid, ports,
			   proxies->config->port_count ? 0 : n);
}

/* The number by which events of a namespace are told; without one, the slow look has to do. */
static int32_t number_of(struct proxies *proxies, uint32_t inode, int fd)
{
	int32_t nsid = NSID_NONE;
	int r = inode == proxies->own_inode ? 0 : namespaces_number(&proxies->namespaces, fd, &nsid);

	if (r)
		log_debug("network namespace %u gets no number: %s", inode, strerror(-r));
	for (uint32_t i = 0; !r && nsid != NSID_NONE && i < proxies->count; i++)
		proxies->members[i]->gone |=
			proxies->members[i]->nsid == nsid; /* whose number it was: its end was missed */
	return r ? NSID_NONE : nsid;
}

int member_add(struct proxies *proxies, const struct census_group *group)
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
	r = member_find(proxies, group, nsid);
	visit_return();
	return r;
}

bool member_identify(struct proxies *proxies, struct member *m)
{
	const struct proxy *entry = &m->watch.entry;

	return !m->identity.settled &&
	       identity_read(&m->identity, &proxies->identities, m->watch.pid, entry->netns_inode, entry->netns_cookie);
}

void members_name(struct proxies *proxies)
{
	_cleanup_free_ struct naming_entry *entries = calloc(proxies->count ?: 1, sizeof(*entries));
	_cleanup_free_ struct naming_entry **sorted = calloc(proxies->count ?: 1, sizeof(struct naming_entry *));

	if (!entries || !sorted)
		return;
	for (uint32_t i = 0; i < proxies->count; i++) {
		const struct member *m = proxies->members[i];

		entries[i].name = m->identity.name;
		entries[i].uid = m->identity.place.pod_uid;
		entries[i].cookie = m->watch.entry.netns_cookie;
		entries[i].inode = m->watch.entry.netns_inode;
		sorted[i] = &entries[i];
	}
	naming_assign(sorted, proxies->count);
	for (uint32_t i = 0; i < proxies->count; i++) {
		if (strcmp(entries[i].label, proxies->members[i]->watch.name) != 0)
			watch_rename(&proxies->members[i]->watch, entries[i].label);
	}
}

/* Of one that was known by what an earlier process wrote: now it can tell its name itself. */
static void server_came(struct member *m)
{
	struct identity anew = {};

	memcpy(anew.name, m->identity.name, sizeof(anew.name));
	m->identity = anew;
}

void member_seen(struct member *m, const struct census_group *group)
{
	uint16_t ports[ABI_PORTS_MAX];
	int n;

	m->watch.pid = group->processes->pid;
	if (m->identity.former[0])
		server_came(m);
	if (m->watch.listener_up || visit_begin(&m->watch))
		return;
	n = processes_ports_of(group->processes, group->count, ports, ABI_PORTS_MAX, NULL);
	if (n > 0)
		watch_ports_found(&m->watch, ports, n);
	watch_listeners(&m->watch, false);
	visit_end(&m->watch);
}

void member_start(struct proxies *proxies, struct member *m)
{
	struct watch *w = &m->watch;
	int64_t slot = slot_find(proxies->kernel, w->entry.netns_inode, w->entry.netns_cookie);
	int r;

	if (proxies->config->mode == CONFIG_MODE_SIDECAR)
		slot = 0;
	else if (slot < 0)
		slot = slot_free(proxies->kernel);
	if (slot == -ENOSPC && proxies->ended) { /* theirs will be free */
		m->waits = true;
		proxies->waiting++;
		return;
	}
	if (slot < 0) {
		log_warn("proxy %s: no slot: %s", w->name, strerror((int)-slot));
		return;
	}
	r = visit_begin(w);
	if (r) {
		log_info("proxy %s: its network namespace cannot be entered: %s", w->name, strerror(-r));
		m->waits = true; /* it may be gone: then we shall hear of it */
		proxies->waiting++;
		return;
	}
	watch_start(w, (uint32_t)slot);
	visit_end(w);
	proxies->by_slot[slot] = m;
	clients_settle(proxies->kernel, w->slot);
	window_remember(proxies->kernel, w->slot, clock_now_ns() / NS_PER_S);
	compat_remember(proxies->kernel, w, clock_now_ns());
	log_info("proxy %s: watching, %s, counts %s", w->name, proxies->kernel->pinned ? "pinned" : "not pinned",
		 proxies->kernel->taken_over && w->entry.generation ? "go on" : "begin at 0");
}

static bool is_member(const struct proxies *proxies, const struct proxy *entry)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		const struct proxy *own = &proxies->members[i]->watch.entry;

		if (own->netns_inode == entry->netns_inode && own->netns_cookie == entry->netns_cookie)
			return true;
	}
	return false;
}

/* Its namespace lives, though no server was seen in it: it is a proxy still. */
static bool adopt_alive(struct proxies *proxies, const struct proxy *entry)
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
		alive = member_make(proxies, entry->netns_inode, pid, nsid, entry->ports, count) == 1;
	if (alive)
		memcpy(proxies->members[proxies->count - 1]->identity.former, entry->name, sizeof(entry->name) - 1);
	visit_return();
	return alive;
}

void member_adopt(struct proxies *proxies, uint32_t slot)
{
	struct proxy entry;
	int r;

	if (kernel_proxy_read(proxies->kernel, slot, &entry) || !entry.netns_inode || is_member(proxies, &entry) ||
	    adopt_alive(proxies, &entry))
		return;
	log_info("proxy %.*s: gone since it was last watched", (int)sizeof(entry.name), entry.name);
	r = slot_clear(proxies->kernel, slot);
	if (r)
		log_warn("slot %u cannot be cleared: %s: it stays taken", slot, strerror(-r));
}

/* ---- being there ---- */

void member_check(struct proxies *proxies, struct member *m)
{
	if (m->nsid != NSID_NONE && namespaces_alive(&proxies->namespaces, m->nsid) == 0)
		m->gone = true;
}

void member_repair(struct proxies *proxies, struct member *m)
{
	m->repaired_ns = clock_now_ns();
	member_check(proxies, m);
	if (visit_begin(&m->watch))
		return;
	if (m->look_due) {
		m->look_due = false;
		watch_look(&m->watch);
	}
	watch_repair(&m->watch);
	visit_end(&m->watch);
}

/* ---- end ---- */

void member_retire(struct proxies *proxies, struct member *m)
{
	log_info("proxy %s: its network namespace is gone", m->watch.name);
	if (m->watch.started)
		proxies->by_slot[m->watch.slot] = NULL;
	proxies->waiting -= m->waits;
	proxies->links_lost += m->watch.links_lost;
	proxies->peers_lost += m->watch.wireguard.lost;
	m->next = proxies->ended;
	proxies->ended = m;
}

void member_end(struct proxies *proxies, struct member *m)
{
	struct watch *w = &m->watch;
	int r = 0;

	watch_gone(w); /* first: what its last packets count is cleared with the rest */
	if (w->started) {
		destinations_forget(proxies->destinations, w->slot);
		r = slot_clear(proxies->kernel, w->slot);
	}
	if (r)
		log_warn("proxy %s: slot %u cannot be cleared: %s: it stays taken", w->name, w->slot, strerror(-r));
	free(m);
}

void member_close(struct member *m, bool remove)
{
	if (!visit_begin(&m->watch)) {
		if (remove)
			watch_remove(&m->watch);
		else
			watch_close(&m->watch);
		visit_end(&m->watch);
	}
	free(m);
}
