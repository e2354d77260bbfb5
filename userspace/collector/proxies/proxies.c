// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/proxies.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/attach/attach.h"
#include "collector/discovery/netns.h"
#include "collector/proxies/managed_proxy.h"
#include "collector/proxies/parts.h"
#include "collector/proxies/scan.h"
#include "collector/proxy_netns/netns_enter.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/time.h"

#define SCAN_PERIOD_NS (30 * NS_PER_S) /* finds changes whose events were missed */
/* the same, for a healthy proxy whose events arrive */
#define REPAIR_PERIOD_NS (60 * NS_PER_S)
/* at the usual scrape interval of 15 s a scrape has already read all devices */
#define WIREGUARD_AGE_NS (14 * NS_PER_S)
#define EVENT_ROUNDS 16 /* 4,096 events at a time */
#define ROUND_S 10	/* each proxy of a node is checked once in this many seconds */
/* Minimum number checked each second, because health probes use the tunnel state */
#define EACH_SECOND 10

static bool is_node(const struct proxies *proxies)
{
	return proxies->config->mode == CONFIG_MODE_NODE;
}

static int sidecar_open(struct proxies *proxies)
{
	struct managed_proxy *p = calloc(1, sizeof(*p));
	int r;

	if (!p) {
		log_error("no memory for a proxy");
		return -ENOMEM;
	}
	r = proxy_netns_open(&p->netns, proxies->config, proxies->kernel,
			     proxies->config->proxy_name, false);
	if (r)
		log_error("cannot watch interfaces", field_error(r));
	p->nsid = NSID_NONE;
	p->start_due = true;
	proxies->managed[proxies->count++] = p;
	proxies->waiting = 1;
	return 0;
}

static int node_open(struct proxies *proxies)
{
	int r = netns_inode(&proxies->own_inode);

	r = r ?: netns_home_open();
	if (r) {
		log_error("cannot identify our network namespace", field_error(r));
		return r;
	}
	proxies->scan_due = true;
	identities_open(&proxies->identities);
	r = namespaces_open(&proxies->namespaces);
	if (r == -EPERM)
		log_warn("no events from other network namespaces, scanning instead",
			 field_text("capability", "NET_BROADCAST"),
			 field_unsigned("period_seconds", SCAN_PERIOD_NS / NS_PER_S));
	else if (r)
		log_warn("no events from network namespaces, scanning instead", field_error(r),
			 field_unsigned("period_seconds", SCAN_PERIOD_NS / NS_PER_S));
	proxies->events_of_own_netns_only = r != 0;
	return 0;
}

int proxies_open(struct proxies *proxies, const struct config *config, struct kernel *kernel,
		 struct destinations *destinations)
{
	*proxies = (struct proxies){ .config = config,
				     .kernel = kernel,
				     .destinations = destinations,
				     .namespaces = { .events_fd = -1, .requests_fd = -1 } };
	proxies->managed = calloc(config->proxies_max, sizeof(struct managed_proxy *));
	proxies->by_slot = calloc(config->proxies_max, sizeof(struct managed_proxy *));
	if (!proxies->managed || !proxies->by_slot) {
		log_error("no memory for proxies", field_unsigned("count", config->proxies_max));
		return -ENOMEM;
	}
	return is_node(proxies) ? node_open(proxies) : sidecar_open(proxies);
}

int proxies_events_fd(const struct proxies *proxies)
{
	if (is_node(proxies))
		return proxies->namespaces.events_fd;
	return proxies->count ? proxies->managed[0]->netns.links.events_fd : -1;
}

/* ---- proxies ---- */

static void reap(struct proxies *proxies)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < proxies->count; i++) {
		struct managed_proxy *p = proxies->managed[i];

		if (p->gone)
			managed_proxy_retire(proxies, p);
		else
			proxies->managed[kept++] = p;
	}
	if (kept == proxies->count)
		return;
	proxies->count = kept;
	managed_proxies_name(proxies);
	/*
	 * There is room for another proxy; and a scan may have confused a new namespace with the
	 * same inode with the old one.
	 */
	proxies->scan_due = true;
}

/* Retries names that kubelet had not written yet. */
static void identify(struct proxies *proxies)
{
	bool another = false;

	for (uint32_t i = 0; i < proxies->count; i++)
		another |= managed_proxy_identify(proxies, proxies->managed[i]);
	if (another)
		managed_proxies_name(proxies);
}

#define PAUSE_FACTOR 9		       /* a pause of this many scan durations: a tenth of a CPU */
#define PAUSE_MAX_NS (150 * NS_PER_MS) /* limit, so that a new proxy does not wait longer */

/* Scans all processes and adds new proxies. */
static void scan_processes(struct proxies *proxies)
{
	uint64_t begun = clock_now_ns(), pause;
	struct server_scan scan;
	int r = server_scan_run(&scan, proxies->config);

	if (r)
		log_warn("cannot scan all processes", field_error(r));
	/*
	 * The kernel reports the end of a namespace before it reuses the inode. So handle ends
	 * first: a new namespace is then not mistaken for an old one.
	 */
	proxies_ends(proxies);
	proxies_take(proxies, &scan);
	server_scan_free(&scan);
	proxies->scanned_ns = clock_now_ns();
	pause = PAUSE_FACTOR * (proxies->scanned_ns - begun);
	proxies->scan_pause_ns =
		proxies->scanned_ns + (pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS);
}

/* ---- state of an earlier process ---- */

void proxies_loaded(struct proxies *proxies)
{
	if (!is_node(proxies))
		return;
	if (proxies->kernel->pinned)
		attach_prune(proxies->kernel->pins.folder); /* links whose interface is gone */
	if (proxies->scan_due)
		scan_processes(proxies); /* first find running proxies, then judge slots */
	proxies->scan_due = false;
	for (uint32_t slot = 0; slot < proxies->config->proxies_max; slot++)
		managed_proxy_restore(proxies, slot);
	identify(proxies);
	stale_pins_remove(proxies->config);
}

static void end_one(struct proxies *proxies)
{
	struct managed_proxy *p = proxies->ended;

	proxies->ended = p->next;
	managed_proxy_end(proxies, p);
}

bool proxies_step(struct proxies *proxies)
{
	if (proxies->ended) {
		end_one(proxies);
		return true;
	}
	if (proxies->scan_due && is_node(proxies) && clock_now_ns() >= proxies->scan_pause_ns) {
		proxies->scan_due = false;
		scan_processes(proxies);
		identify(proxies);
		return true;
	}
	for (uint32_t i = 0; proxies->waiting && proxies->kernel->skeleton && i < proxies->count;
	     i++) {
		if (!proxies->managed[i]->start_due)
			continue;
		proxies->waiting--;
		proxies->managed[i]->start_due = false;
		managed_proxy_start(proxies, proxies->managed[i]);
		return true;
	}
	return false;
}

int proxies_rest_ms(const struct proxies *proxies)
{
	uint64_t now = clock_now_ns();

	if (!proxies->scan_due || !is_node(proxies))
		return -1;
	return now >= proxies->scan_pause_ns
		       ? 0
		       : (int)((proxies->scan_pause_ns - now) / NS_PER_MS + 1);
}

/* ---- events ---- */

static struct managed_proxy *by_slot(const struct proxies *proxies, uint32_t slot)
{
	return slot < proxies->config->proxies_max ? proxies->by_slot[slot] : NULL;
}

void proxies_event(struct proxies *proxies, const struct event *event)
{
	struct managed_proxy *p;

	if (event->slot == ABI_SLOT_NONE) {
		proxies->scan_due = true;
		return;
	}
	p = by_slot(proxies, event->slot);
	if (!p || event->netns_inode != p->netns.map_entry.netns_inode ||
	    proxy_netns_enter(&p->netns)) {
		/*
		 * The proxy has just ended; the event can belong to the next namespace with its
		 * inode.
		 */
		proxies->scan_due |= event->kind == ABI_EVENT_LISTEN;
		return;
	}
	proxies->scan_due |= p->identity.former[0] != 0; /* read the name from its server */
	proxy_netns_listener_event(&p->netns, event);
	proxy_netns_leave(&p->netns);
}

static struct managed_proxy *by_nsid(const struct proxies *proxies, int32_t nsid)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		struct managed_proxy *p = proxies->managed[i];

		if (p->gone) /* its numbers may be reused */
			continue;
		if (nsid == NSID_NONE ? p->netns.map_entry.netns_inode == proxies->own_inode
				      : p->nsid == nsid)
			return p;
	}
	return NULL;
}

static void on_link(int32_t nsid, const struct link *link, enum link_event event, void *context)
{
	struct managed_proxy *p = by_nsid(context, nsid);

	if (!p || proxy_netns_enter(&p->netns)) { /* its namespace may be ending */
		if (p)
			p->scan_due = true;
		return;
	}
	proxy_netns_link_event(&p->netns, link, event);
	proxy_netns_leave(&p->netns);
	if (!link_is_tunnel(link, p->netns.config))
		return;
	p->device_due = true;
	p->device_searches = 0;
}

/*
 * Reads devices soon after a change, so that ports are known before the first handshake or shortly
 * after.
 */
static void ask_devices(struct proxies *proxies)
{
	_cleanup_free_ struct managed_proxy **due =
		calloc(proxies->count ?: 1, sizeof(struct managed_proxy *));
	size_t n = 0;

	for (uint32_t i = 0; due && i < proxies->count; i++) {
		if (proxies->managed[i]->device_due)
			due[n++] = proxies->managed[i];
		proxies->managed[i]->device_due = false;
	}
	if (n)
		devices_read(proxies, due, n);
}

static void on_gone(int32_t nsid, void *context)
{
	struct managed_proxy *p = nsid == NSID_NONE ? NULL : by_nsid(context, nsid);

	if (p)
		p->gone = true;
}

void proxies_ends(struct proxies *proxies)
{
	int r = proxies->namespaces.events_fd >= 0;

	for (int i = 0; r == 1 && i < EVENT_ROUNDS; i++)
		r = namespaces_read(&proxies->namespaces, on_link, on_gone, proxies);
	if (r == -ENOBUFS) {
		log_info("interface events lost", field_text("action", "rescan"));
		proxies_rescan(proxies);
	} else if (r < 0) {
		log_warn("cannot read interface events", field_error(r));
	}
	ask_devices(proxies);
	reap(proxies);
}

void proxies_links(struct proxies *proxies)
{
	if (is_node(proxies))
		proxies_ends(proxies);
	else
		proxy_netns_links(&proxies->managed[0]->netns);
}

/* ---- each second ---- */

/*
 * Returns whether something must be repaired, or events may have been missed. Healthy proxies are
 * not checked each time.
 */
static bool is_due(const struct proxies *proxies, struct managed_proxy *p)
{
	uint64_t period = proxies->events_of_own_netns_only || p->nsid == NSID_NONE
				  ? SCAN_PERIOD_NS
				  : REPAIR_PERIOD_NS;
	const struct proxy_netns *netns = &p->netns;
	bool due;

	p->scan_due |= clock_now_ns() - p->repaired_ns >= period;
	due = p->scan_due || !netns->listener_up || netns->discovery_due || netns->unpublished;

	for (unsigned int i = 0; !due && i < netns->table_size; i++)
		due = netns->table[i].error;
	return due;
}

/* Checks a few proxies in turn, so that many idle proxies cost no more each second than a few. */
static void repair_some(struct proxies *proxies)
{
	const uint32_t count = proxies->count;
	uint32_t few = count < EACH_SECOND ? count : EACH_SECOND,
		 n = (count + ROUND_S - 1) / ROUND_S, unread = 0;
	_cleanup_free_ struct managed_proxy **some =
		calloc(count ?: 1, sizeof(struct managed_proxy *));
	uint64_t now = clock_now_ns(), age = count > EACH_SECOND ? WIREGUARD_AGE_NS : NS_PER_S / 2;

	if (!some)
		return;
	if (n < few)
		n = few;
	for (uint32_t i = 0; i < n; i++) {
		struct managed_proxy *p;

		if (proxies->cursor >= count)
			proxies->cursor = 0;
		p = proxies->managed[proxies->cursor++];
		if (is_due(proxies, p))
			managed_proxy_repair(proxies, p);
		if (now - p->netns.wireguard.read_ns >= age)
			some[unread++] = p;
	}
	devices_read(proxies, some, unread);
}

void proxies_tick(struct proxies *proxies, uint64_t now_ns)
{
	if (!is_node(proxies)) {
		proxy_netns_tick(&proxies->managed[0]->netns);
		return;
	}
	if (now_ns - proxies->scanned_ns >= SCAN_PERIOD_NS) {
		scan_processes(proxies);
		stale_pins_remove(proxies->config);
	}
	identify(proxies);
	repair_some(proxies);
	reap(proxies);
}

void proxies_wireguard(struct proxies *proxies)
{
	if (is_node(proxies))
		devices_read(proxies, proxies->managed, proxies->count);
}

void proxies_close(struct proxies *proxies, bool remove)
{
	for (uint32_t i = 0; i < proxies->count; i++)
		managed_proxy_close(proxies->managed[i], remove);
	proxies->count = 0;
	free_pointer(&proxies->managed);
	free_pointer(&proxies->by_slot);
	namespaces_close(&proxies->namespaces);
	identities_close(&proxies->identities);
}
