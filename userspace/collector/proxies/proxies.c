// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/proxies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/attach/attach.h"
#include "collector/discovery/netns.h"
#include "collector/proxies/devices.h"
#include "collector/proxies/managed_proxy.h"
#include "collector/proxies/scan.h"
#include "collector/proxies/stale_pins.h"
#include "collector/proxy_netns/netns_enter.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include <wgsocks/time.h>

#define LOOK_PERIOD_NS (30 * NS_PER_S)	 /* repairs what events missed */
#define REPAIR_PERIOD_NS (60 * NS_PER_S) /* the same of each proxy whose events are heard and that is well */
#define WIREGUARD_AGE_NS (14 * NS_PER_S) /* a scrape reads all devices: at the usual 15 s nothing is left to do */
#define EVENT_ROUNDS 16			 /* 4,096 events at a time */
#define ROUND_S 10			 /* each proxy of a node has its turn once in so many seconds */
#define EACH_SECOND 10			 /* so many have theirs each second: a probe asks how the tunnel is */

static bool is_node(const struct fleet *fleet)
{
	return fleet->config->mode == CONFIG_MODE_NODE;
}

static int sidecar_open(struct fleet *fleet)
{
	struct member *m = calloc(1, sizeof(*m));
	int r;

	if (!m) {
		log_error("no memory for a proxy");
		return -ENOMEM;
	}
	r = watch_open(&m->watch, fleet->config, fleet->kernel, fleet->config->proxy_name, false);
	if (r)
		log_error("cannot watch interfaces: %s", strerror(-r));
	m->nsid = NSID_NONE;
	m->waits = true;
	fleet->members[fleet->count++] = m;
	fleet->waiting = 1;
	return 0;
}

static int node_open(struct fleet *fleet)
{
	int r = netns_inode(&fleet->own_inode);

	r = r ?: visit_home();
	if (r) {
		log_error("cannot tell its own network namespace: %s", strerror(-r));
		return r;
	}
	fleet->look_due = true;
	identities_open(&fleet->identities);
	r = namespaces_open(&fleet->namespaces);
	if (r == -EPERM)
		log_warn("events of other network namespaces are not heard (it needs the capability NET_BROADCAST): "
			 "changes are found within %llu s",
			 LOOK_PERIOD_NS / NS_PER_S);
	else if (r)
		log_warn("events of network namespaces are not heard: %s: changes are found within %llu s",
			 strerror(-r), LOOK_PERIOD_NS / NS_PER_S);
	fleet->deaf = r != 0;
	return 0;
}

int fleet_open(struct fleet *fleet, const struct config *config, struct kernel *kernel,
	       struct destinations *destinations)
{
	*fleet = (struct fleet){ .config = config,
				 .kernel = kernel,
				 .destinations = destinations,
				 .namespaces = { .events_fd = -1, .requests_fd = -1 } };
	fleet->members = calloc(config->proxies_max, sizeof(struct member *));
	fleet->by_slot = calloc(config->proxies_max, sizeof(struct member *));
	if (!fleet->members || !fleet->by_slot) {
		log_error("no memory for %u proxies", config->proxies_max);
		return -ENOMEM;
	}
	return is_node(fleet) ? node_open(fleet) : sidecar_open(fleet);
}

int fleet_events_fd(const struct fleet *fleet)
{
	if (is_node(fleet))
		return fleet->namespaces.events_fd;
	return fleet->count ? fleet->members[0]->watch.links.events_fd : -1;
}

/* ---- members ---- */

static void reap(struct fleet *fleet)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < fleet->count; i++) {
		struct member *m = fleet->members[i];

		if (m->gone)
			member_retire(fleet, m);
		else
			fleet->members[kept++] = m;
	}
	if (kept == fleet->count)
		return;
	fleet->count = kept;
	members_name(fleet);
	/* There is room for another one; and what was seen in a namespace of the same inode was taken for the former.
	 */
	fleet->look_due = true;
}

/* Names that kubelet had not written yet. */
static void identify(struct fleet *fleet)
{
	bool another = false;

	for (uint32_t i = 0; i < fleet->count; i++)
		another |= member_identify(fleet, fleet->members[i]);
	if (another)
		members_name(fleet);
}

/* ---- what an earlier process left ---- */

void fleet_loaded(struct fleet *fleet)
{
	if (!is_node(fleet))
		return;
	if (fleet->kernel->pinned)
		attach_prune(fleet->kernel->pins.folder); /* of interfaces that went while nobody looked */
	if (fleet->look_due)
		look_around(fleet); /* so that those which run are known before slots are judged */
	fleet->look_due = false;
	for (uint32_t slot = 0; slot < fleet->config->proxies_max; slot++)
		member_adopt(fleet, slot);
	identify(fleet);
	remains_sweep(fleet->config);
}

static void end_one(struct fleet *fleet)
{
	struct member *m = fleet->ended;

	fleet->ended = m->next;
	member_end(fleet, m);
}

bool fleet_step(struct fleet *fleet)
{
	if (fleet->ended) {
		end_one(fleet);
		return true;
	}
	if (fleet->look_due && is_node(fleet) && clock_now_ns() >= fleet->look_pause_ns) {
		fleet->look_due = false;
		look_around(fleet);
		identify(fleet);
		return true;
	}
	for (uint32_t i = 0; fleet->waiting && fleet->kernel->skeleton && i < fleet->count; i++) {
		if (!fleet->members[i]->waits)
			continue;
		fleet->waiting--;
		fleet->members[i]->waits = false;
		member_start(fleet, fleet->members[i]);
		return true;
	}
	return false;
}

int fleet_rest_ms(const struct fleet *fleet)
{
	uint64_t now = clock_now_ns();

	if (!fleet->look_due || !is_node(fleet))
		return -1;
	return now >= fleet->look_pause_ns ? 0 : (int)((fleet->look_pause_ns - now) / NS_PER_MS + 1);
}

/* ---- events ---- */

static struct member *by_slot(const struct fleet *fleet, uint32_t slot)
{
	return slot < fleet->config->proxies_max ? fleet->by_slot[slot] : NULL;
}

void fleet_event(struct fleet *fleet, const struct event *event)
{
	struct member *m;

	if (event->slot == ABI_SLOT_NONE) {
		fleet->look_due = true;
		return;
	}
	m = by_slot(fleet, event->slot);
	if (!m || event->netns_inode != m->watch.entry.netns_inode || visit_begin(&m->watch)) {
		/* That proxy has just ended; the event may be of the next namespace with its inode. */
		fleet->look_due |= event->kind == ABI_EVENT_LISTEN;
		return;
	}
	fleet->look_due |= m->identity.former[0] != 0; /* its server can tell its name */
	watch_listener_event(&m->watch, event);
	visit_end(&m->watch);
}

static struct member *by_nsid(const struct fleet *fleet, int32_t nsid)
{
	for (uint32_t i = 0; i < fleet->count; i++) {
		struct member *m = fleet->members[i];

		if (m->gone) /* its numbers may be another's already */
			continue;
		if (nsid == NSID_NONE ? m->watch.entry.netns_inode == fleet->own_inode : m->nsid == nsid)
			return m;
	}
	return NULL;
}

static void on_link(int32_t nsid, const struct link *link, enum link_event event, void *context)
{
	struct member *m = by_nsid(context, nsid);

	if (!m || visit_begin(&m->watch)) { /* its namespace may be ending just now */
		if (m)
			m->look_due = true;
		return;
	}
	watch_link_event(&m->watch, link, event);
	visit_end(&m->watch);
	if (!link_is_tunnel(link, m->watch.config))
		return;
	m->device_due = true;
	m->device_searches = 0;
}

/* Whose port is whose is known before the first handshake, or soon after. */
static void ask_devices(struct fleet *fleet)
{
	_cleanup_free_ struct member **due = calloc(fleet->count ?: 1, sizeof(struct member *));
	size_t n = 0;

	for (uint32_t i = 0; due && i < fleet->count; i++) {
		if (fleet->members[i]->device_due)
			due[n++] = fleet->members[i];
		fleet->members[i]->device_due = false;
	}
	if (n)
		devices_read(fleet, due, n);
}

static void on_gone(int32_t nsid, void *context)
{
	struct member *m = nsid == NSID_NONE ? NULL : by_nsid(context, nsid);

	if (m)
		m->gone = true;
}

void fleet_ends(struct fleet *fleet)
{
	int r = fleet->namespaces.events_fd >= 0;

	for (int i = 0; r == 1 && i < EVENT_ROUNDS; i++)
		r = namespaces_read(&fleet->namespaces, on_link, on_gone, fleet);
	if (r == -ENOBUFS) {
		log_info("interface events were lost: looking at all proxies again");
		look_at_all(fleet);
	} else if (r < 0) {
		log_warn("cannot read interface events: %s", strerror(-r));
	}
	ask_devices(fleet);
	reap(fleet);
}

void fleet_links(struct fleet *fleet)
{
	if (is_node(fleet))
		fleet_ends(fleet);
	else
		watch_links(&fleet->members[0]->watch);
}

/* ---- each second ---- */

/* Whether something is to be done, or events may have been missed: what is well is not looked at each time. */
static bool is_due(const struct fleet *fleet, struct member *m)
{
	uint64_t period = fleet->deaf || m->nsid == NSID_NONE ? LOOK_PERIOD_NS : REPAIR_PERIOD_NS;
	const struct watch *w = &m->watch;
	bool due;

	m->look_due |= clock_now_ns() - m->repaired_ns >= period;
	due = m->look_due || !w->listener_up || w->discovery_due || w->unfound;

	for (unsigned int i = 0; !due && i < w->table_size; i++)
		due = w->table[i].error;
	return due;
}

/* A few, in turn: so that a node with many idle proxies costs as little each second as one with few. */
static void look_after_some(struct fleet *fleet)
{
	const uint32_t count = fleet->count;
	uint32_t few = count < EACH_SECOND ? count : EACH_SECOND, n = (count + ROUND_S - 1) / ROUND_S, unread = 0;
	_cleanup_free_ struct member **some = calloc(count ?: 1, sizeof(struct member *));
	uint64_t now = clock_now_ns(), age = count > EACH_SECOND ? WIREGUARD_AGE_NS : NS_PER_S / 2;

	if (!some)
		return;
	if (n < few)
		n = few;
	for (uint32_t i = 0; i < n; i++) {
		struct member *m;

		if (fleet->cursor >= count)
			fleet->cursor = 0;
		m = fleet->members[fleet->cursor++];
		if (is_due(fleet, m))
			member_repair(fleet, m);
		if (now - m->watch.wireguard.read_ns >= age)
			some[unread++] = m;
	}
	devices_read(fleet, some, unread);
}

void fleet_tick(struct fleet *fleet, uint64_t now_ns)
{
	if (!is_node(fleet)) {
		watch_tick(&fleet->members[0]->watch);
		return;
	}
	if (now_ns - fleet->looked_ns >= LOOK_PERIOD_NS) {
		look_around(fleet);
		remains_sweep(fleet->config);
	}
	identify(fleet);
	look_after_some(fleet);
	reap(fleet);
}

void fleet_wireguard(struct fleet *fleet)
{
	if (is_node(fleet))
		devices_read(fleet, fleet->members, fleet->count);
}

void fleet_close(struct fleet *fleet, bool remove)
{
	for (uint32_t i = 0; i < fleet->count; i++)
		member_close(fleet->members[i], remove);
	fleet->count = 0;
	free_pointer(&fleet->members);
	free_pointer(&fleet->by_slot);
	namespaces_close(&fleet->namespaces);
	identities_close(&fleet->identities);
}
