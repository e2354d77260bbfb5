// SPDX-License-Identifier: Apache-2.0
#include "member.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../discovery/listeners.h"
#include "../discovery/netns.h"
#include "../kernel/slots.h"
#include "../watch/visit.h"
#include "wgsocks/cleanup.h"
#include "wgsocks/log.h"

/* ---- beginning ---- */

/* The ports that are listened on in the namespace that is visited; 0: it is no proxy (yet). */
static int ports_find(const struct fleet *fleet, const struct census_group *group, uint16_t ports[ABI_PORTS_MAX])
{
	const struct config *config = fleet->config;

	if (config->port_count)
		return listeners_present(config->ports, config->port_count) > 0;
	return processes_ports_of(group->processes, group->count, ports, ABI_PORTS_MAX, NULL);
}

static void name_default(char *name, size_t size, uint64_t cookie, uint32_t inode)
{
	if (cookie)
		snprintf(name, size, "%016" PRIx64, cookie);
	else
		snprintf(name, size, "netns-%" PRIu32, inode);
}

/* In the namespace: makes a member of it. */
static int member_make(struct fleet *fleet, const struct census_group *group, int nsid, const uint16_t *ports, int port_count)
{
	struct member *m = calloc(1, sizeof(*m));
	char name[CONFIG_NAME_SIZE];
	int r;

	if (!m)
		return -ENOMEM;
	name_default(name, sizeof(name), netns_cookie(), group->processes->netns_inode);
	r = watch_open(&m->watch, fleet->config, fleet->kernel, name, true);
	if (r)
		log_warn("proxy %s: cannot list interfaces: %s", name, strerror(-r));
	m->watch.pid = group->processes->pid;
	m->nsid = nsid;
	watch_ports_found(&m->watch, ports, port_count);
	watch_listeners(&m->watch, false);
	m->waits = true;
	fleet->waiting++;
	fleet->members[fleet->count++] = m;
	return 1;
}

/* Goes there and looks. */
static int visit_new(struct fleet *fleet, const struct census_group *group, int fd, int32_t nsid)
{
	struct watch stranger = { .remote = true };
	uint16_t ports[ABI_PORTS_MAX];
	int r = netns_enter(fd), n;

	if (r)
		return r;
	n = ports_find(fleet, group, ports);
	if (n > 0)
		r = fleet->count < fleet->config->proxies_max ? member_make(fleet, group, nsid, ports, n) : -ENOSPC;
	visit_end(&stranger);
	return n < 0 ? n : r;
}

int member_add(struct fleet *fleet, const struct census_group *group)
{
	uint32_t inode = group->processes->netns_inode;
	pid_t pid = group->processes->pid;
	_cleanup_close_ int fd = netns_open(inode, &pid);
	int32_t nsid = NSID_NONE;
	int r;

	if (fd < 0)
		return fd;
	if (inode != fleet->own_inode) {
		r = namespaces_number(&fleet->namespaces, fd, &nsid);
		if (r) {
			log_debug("network namespace %u gets no number: %s", inode, strerror(-r));
			nsid = NSID_NONE;
		}
	}
	return visit_new(fleet, group, fd, nsid);
}

void member_seen(struct member *m, const struct census_group *group)
{
	uint16_t ports[ABI_PORTS_MAX];
	int n;

	m->watch.pid = group->processes->pid;
	if (m->watch.listener_up || visit_begin(&m->watch))
		return;
	n = processes_ports_of(group->processes, group->count, ports, ABI_PORTS_MAX, NULL);
	if (n > 0)
		watch_ports_found(&m->watch, ports, n);
	watch_listeners(&m->watch, false);
	visit_end(&m->watch);
}

void member_start(struct fleet *fleet, struct member *m)
{
	struct watch *w = &m->watch;
	int64_t slot = slot_find(fleet->kernel, w->entry.netns_inode, w->entry.netns_cookie);
	int r = slot == -ENOENT ? 0 : (int)(slot < 0 ? slot : 0);

	if (fleet->config->mode == CONFIG_MODE_SIDECAR)
		slot = 0;
	else if (slot < 0)
		slot = slot_free(fleet->kernel);
	if (slot < 0) {
		log_warn("proxy %s: no slot: %s", w->name, strerror((int)-slot));
		return;
	}
	r = visit_begin(w);
	if (r) {
		log_info("proxy %s: its network namespace cannot be entered: %s", w->name, strerror(-r));
		m->waits = true; /* it may be gone: then we shall hear of it */
		fleet->waiting++;
		return;
	}
	watch_start(w, (uint32_t)slot);
	visit_end(w);
	fleet->by_slot[slot] = m;
	log_info("proxy %s: watching, %s, counts %s", w->name, fleet->kernel->pinned ? "pinned" : "not pinned",
		 fleet->kernel->taken_over && w->entry.generation ? "go on" : "begin at 0");
}

void member_adopt(struct fleet *fleet, uint32_t slot)
{
	struct census_group group = {};
	struct server_process process = {};
	struct proxy entry;
	pid_t pid = 0;
	_cleanup_close_ int fd = -1;

	if (kernel_proxy_read(fleet->kernel, slot, &entry) || !entry.netns_inode)
		return;
	for (uint32_t i = 0; i < fleet->count; i++) {
		const struct proxy *own = &fleet->members[i]->watch.entry;

		if (own->netns_inode == entry.netns_inode && own->netns_cookie == entry.netns_cookie)
			return; /* it is found by its slot when it is started */
	}
	(void)group, (void)process, (void)pid, (void)fd;
	log_info("slot %u: its proxy is gone", slot);
	slot_clear(fleet->kernel, slot);
}

/* ---- being there ---- */

void member_repair(struct member *m)
{
	if (visit_begin(&m->watch))
		return;
	if (m->look_due) {
		m->look_due = false;
		watch_look(&m->watch);
	}
	watch_repair(&m->watch);
	visit_end(&m->watch);
}

static bool root_open(struct watch *w)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", w->pid);
	w->wireguard.root = w->pid ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	return w->wireguard.root >= 0;
}

static void root_close(struct watch *w)
{
	if (w->wireguard.root >= 0)
		close(w->wireguard.root);
	w->wireguard.root = -1;
}

void members_wireguard(struct member *const *members, size_t count)
{
	_cleanup_free_ struct wireguard **asked = calloc(count ?: 1, sizeof(struct wireguard *));
	_cleanup_free_ struct member **whose = calloc(count ?: 1, sizeof(struct member *));
	size_t n = 0;

	if (!asked || !whose)
		return;
	for (size_t i = 0; i < count; i++) {
		struct member *m = members[i];

		if (!m->watch.remote || visit_begin(&m->watch))
			continue; /* nobody is there: what was read last holds for as long as it can be judged */
		root_open(&m->watch);
		watch_wireguard_begin(&m->watch);
		root_close(&m->watch);
		visit_end(&m->watch);
		whose[n] = m;
		asked[n++] = &m->watch.wireguard;
	}
	wireguard_await(asked, n, clock_now_ns() + WIREGUARD_WAIT_NS);
	for (size_t i = 0; i < n; i++)
		watch_wireguard_end(&whose[i]->watch);
}

/* ---- end ---- */

void member_end(struct fleet *fleet, struct member *m)
{
	struct watch *w = &m->watch;
	int r = 0;

	log_info("proxy %s: its network namespace is gone", w->name);
	fleet->links_lost += w->links_lost;
	fleet->peers_lost += w->wireguard.lost;
	if (w->started) {
		fleet->by_slot[w->slot] = NULL;
		destinations_forget(fleet->destinations, w->slot);
		r = slot_clear(fleet->kernel, w->slot);
	}
	if (r)
		log_warn("proxy %s: slot %u cannot be cleared: %s: it stays taken", w->name, w->slot, strerror(-r));
	fleet->waiting -= m->waits;
	watch_gone(w);
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
