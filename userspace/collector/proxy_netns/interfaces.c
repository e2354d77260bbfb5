// SPDX-License-Identifier: Apache-2.0
#include "collector/proxy_netns/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/attach/attach.h"
#include "collector/proxy_netns/tunnel_recreate.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"

#define TABLE_STEP 4 /* growth of the table, up to PROXY_LINKS_MAX */

struct attach_plan {
	enum attach_direction direction;
	enum abi_packet_program program;
};

static const struct attach_plan tunnel_plan[] = {
	{ ATTACH_INGRESS, ABI_PACKET_TUNNEL_RECEIVE },
	{ ATTACH_EGRESS, ABI_PACKET_TUNNEL_TRANSMIT },
};
static const struct attach_plan underlay_plan[] = {
	{ ATTACH_INGRESS, ABI_PACKET_UNDERLAY_INGRESS },
	{ ATTACH_EGRESS, ABI_PACKET_UNDERLAY_EGRESS },
};
static const struct attach_plan loopback_plan[] = {
	{ ATTACH_EGRESS,
	  ABI_PACKET_UNDERLAY_INGRESS }, /* each packet passes lo twice: count it once */
};

static unsigned int plan_of(const struct watched_link *w, const struct attach_plan **plan)
{
	if (w->link.is_loopback) {
		*plan = loopback_plan;
		return 1;
	}
	*plan = w->tunnel ? tunnel_plan : underlay_plan;
	return 2;
}

static int attach_one(struct proxy_netns *netns, struct watched_link *w,
		      const struct attach_plan *plan)
{
	struct attachment_spec spec = {
		.ifindex = w->link.ifindex,
		.direction = plan->direction,
		.mode = netns->config->attach,
		.instance = attach_instance(netns->kernel->pins.instance),
	};
	struct stub_spec stub = {
		.slot = w->tunnel ? netns->slot * ABI_TUNNELS_MAX + w->tunnel_index : netns->slot,
		.l2_header_length = w->link.l2_header_length,
		.program = plan->program,
		.programs_fd = kernel_packet_programs(netns->kernel),
	};
	_cleanup_close_ int fd = stub_load(&stub);
	char path[CONFIG_PATH_SIZE], slot[16] = "";
	int r;

	if (fd < 0)
		return fd;
	if (netns->kernel->pinned) {
		/* on a node, several namespaces have the same ifindex */
		if (netns->config->mode == CONFIG_MODE_NODE)
			snprintf(slot, sizeof(slot), "%" PRIu32 "_", netns->slot);
		snprintf(path, sizeof(path), "%.200s/tcx_%s%" PRIu32 "_%s",
			 netns->kernel->pins.folder, slot, w->link.ifindex,
			 plan->direction == ATTACH_INGRESS ? "ingress" : "egress");
		spec.pin_path = path;
	}
	spec.stub_fd = fd;
	r = attachment_open(&w->attachments[w->attachment_count], &spec);
	if (!r)
		w->attachment_count++;
	return r;
}

static void detach(struct watched_link *w, bool remove)
{
	while (w->attachment_count) {
		struct attachment *a = &w->attachments[--w->attachment_count];

		if (remove)
			attachment_remove(a);
		else
			attachment_close(a);
	}
}

static void attach(struct proxy_netns *netns, struct watched_link *w)
{
	const struct attach_plan *plan;
	unsigned int n = plan_of(w, &plan);
	int r = 0, former = w->error;

	if (!netns->started) /* proxy_netns_start attaches to the interfaces known by then */
		return;
	if (w->link.l2_header_length == LINK_L2_UNKNOWN) {
		if (!former)
			log_warn("cannot read packets of interface, it is not watched",
				 field_text("proxy", netns->name),
				 field_text("interface", w->link.name),
				 field_unsigned("link_type", w->link.type));
		w->error = -EPROTONOSUPPORT;
		return;
	}
	detach(w, true);
	for (unsigned int i = 0; i < n && !r; i++)
		r = attach_one(netns, w, &plan[i]);
	w->error = r;
	if (r == -ENODEV || r == -ENXIO)
		log_debug("interface went away before attach", field_text("proxy", netns->name),
			  field_text("interface", w->link.name));
	else if (r && r != former)
		log_warn("cannot attach program", field_text("proxy", netns->name),
			 field_text("interface", w->link.name), field_error(r),
			 field_text("action", "retry"));
	else if (!r)
		log_info("attached programs", field_text("proxy", netns->name),
			 field_text("interface", w->link.name),
			 field_text("role", w->tunnel ? "tunnel" : "underlay"),
			 field_text("mode", config_attach_name(w->attachments[0].mode)));
}

static struct watched_link *find(struct proxy_netns *netns, uint32_t ifindex)
{
	for (unsigned int i = 0; i < netns->table_size; i++) {
		if (netns->table[i].link.ifindex == ifindex)
			return &netns->table[i];
	}
	return NULL;
}

/* Returns a free row. The table grows in small steps: most proxies have three interfaces. */
static struct watched_link *watched_link_free(struct proxy_netns *netns)
{
	unsigned int size = netns->table_size + TABLE_STEP;
	struct watched_link *w = find(netns, 0), *table;

	if (w || size > PROXY_LINKS_MAX)
		return w;
	table = realloc(netns->table, size * sizeof(*table));
	if (!table)
		return NULL;
	w = &table[netns->table_size];
	memset(w, 0, TABLE_STEP * sizeof(*table));
	netns->table = table;
	netns->table_size = size;
	return w;
}

/* Frees the index of a missing tunnel: the proxy keeps its bytes, its series end. */
static bool tunnel_retire(struct proxy_netns *netns, unsigned int tunnel_index)
{
	uint32_t index = netns->slot * ABI_TUNNELS_MAX + tunnel_index;
	struct tunnel_counters counters;

	if (!netns->started)
		return true; /* nothing was counted */
	if (kernel_tunnel_read(netns->kernel, index, &counters) ||
	    kernel_tunnel_clear(netns->kernel, index))
		return false;
	for (int d = 0; d < ABI_DIRECTION_MAX; d++)
		ABI_AT(__u64, netns->map_entry.retired_other, d) +=
			ABI_AT(__u64, counters.other, d);
	netns->map_entry.retired_bytes += tunnel_bytes(&counters);
	memset(&netns->kernel->counters[netns->slot].handshakes[tunnel_index], 0,
	       sizeof(struct handshake_counters));
	return true;
}

/* Returns the index of a tunnel: its former one, or a free one, or -1. */
static int tunnel_index_find(struct proxy_netns *netns, const char *name)
{
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		if (!strncmp(netns->map_entry.tunnels[i].name, name, ABI_INTERFACE_SIZE))
			return i;
	}
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		if (!netns->map_entry.tunnels[i].name[0])
			return i;
	}
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		if (!netns->map_entry.tunnels[i].ifindex && tunnel_retire(netns, i))
			return i;
	}
	return -1;
}

static void underlay_entry(struct proxy_netns *netns, uint32_t from, uint32_t to)
{
	for (int i = 0; i < ABI_INTERFACES_MAX; i++) {
		if (netns->map_entry.underlay_ifindex[i] == to && to)
			return;
	}
	for (int i = 0; i < ABI_INTERFACES_MAX; i++) {
		if (netns->map_entry.underlay_ifindex[i] == from) {
			netns->map_entry.underlay_ifindex[i] = to;
			return;
		}
	}
}

static void link_forget(struct proxy_netns *netns, struct watched_link *w, bool remove)
{
	detach(w, remove);
	if (w->tunnel) {
		netns->former_ifindex[w->tunnel_index] = w->link.ifindex;
		netns->map_entry.tunnels[w->tunnel_index].ifindex = 0;
	} else {
		underlay_entry(netns, w->link.ifindex, 0);
	}
	memset(w, 0, sizeof(*w));
}

void interfaces_tunnels_write(const struct proxy_netns *netns)
{
	struct proxy now;

	if (!netns->started || kernel_proxy_read(netns->kernel, netns->slot, &now))
		return;
	memcpy(now.tunnels, netns->map_entry.tunnels, sizeof(now.tunnels));
	kernel_proxy_write(netns->kernel, netns->slot, &now);
}

static bool link_add(struct proxy_netns *netns, const struct link *link)
{
	struct watched_link *w = watched_link_free(netns);
	bool tunnel = link_is_tunnel(link, netns->config);
	int tunnel_index = tunnel ? tunnel_index_find(netns, link->name) : 0;
	struct tunnel_recreate recreate = {};

	if (!w || tunnel_index < 0) {
		if (link->ifindex <= netns->link_lost) /* ascending order: already logged */
			return false;
		netns->link_lost = link->ifindex;
		netns->links_lost++;
		log_warn("too many interfaces, interface is not watched",
			 field_text("proxy", netns->name), field_text("interface", link->name));
		return false;
	}
	*w = (struct watched_link){
		.link = *link, .tunnel = tunnel, .tunnel_index = tunnel_index, .seen = true
	};
	if (tunnel) {
		struct proxy_tunnel *t = &netns->map_entry.tunnels[tunnel_index];

		tunnel_recreate_begin(&recreate, netns, tunnel_index, link);
		memset(t, 0, offsetof(struct proxy_tunnel, unwatched_ns));
		if (!recreate.known)
			t->unwatched_ns = 0;
		memcpy(t->name, link->name, sizeof(t->name));
		t->ifindex = link->ifindex;
		interfaces_tunnels_write(
			netns); /* before its first handshake passes a watched interface */
	} else {
		underlay_entry(netns, 0, link->ifindex);
	}
	attach(netns, w);
	tunnel_recreate_end(&recreate, netns, w);
	return true;
}

static bool link_changed(struct proxy_netns *netns, const struct link *link)
{
	struct watched_link *w = find(netns, link->ifindex);

	if (w && strncmp(w->link.name, link->name, sizeof(link->name)) &&
	    (w->tunnel ||
	     link_is_tunnel(link, netns->config))) { /* renamed to or from a tunnel name */
		link_forget(netns, w, true);
		w = NULL;
	}
	if (!w)
		return link_add(netns, link);
	w->link = *link;
	w->seen = true;
	return false;
}

struct pass {
	struct proxy_netns *netns;
	bool changed;
};

static void on_link(const struct link *link, enum link_event event, void *context)
{
	struct pass *pass = context;
	struct watched_link *w;

	if (event == LINK_PRESENT) {
		pass->changed |= link_changed(pass->netns, link);
		return;
	}
	w = find(pass->netns, link->ifindex);
	if (!w)
		return;
	log_info("interface is gone", field_text("proxy", pass->netns->name),
		 field_text("interface", w->link.name),
		 field_text("role", w->tunnel ? "tunnel" : "underlay"));
	link_forget(pass->netns, w, true);
	pass->changed = true;
}

/* Uses a temporary socket for a remote namespace. */
static int ask_links(struct pass *pass)
{
	struct links once;
	int r;

	if (!pass->netns->remote)
		return links_dump(&pass->netns->links, on_link, pass);
	r = links_open_requests(&once);
	r = r ?: links_dump(&once, on_link, pass);
	links_close(&once);
	return r;
}

static int dump(struct pass *pass)
{
	struct proxy_netns *netns = pass->netns;
	int r;

	for (unsigned int i = 0; i < netns->table_size; i++)
		netns->table[i].seen = false;
	r = ask_links(pass);
	if (r)
		return r;
	for (unsigned int i = 0; i < netns->table_size; i++) {
		if (netns->table[i].link.ifindex && !netns->table[i].seen) {
			link_forget(netns, &netns->table[i], true);
			pass->changed = true;
		}
	}
	return 0;
}

int interfaces_dump(struct proxy_netns *netns)
{
	struct pass pass = { .netns = netns };
	int r;

	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		netns->map_entry.tunnels[i].ifindex = 0; /* found again by name */
	memset(netns->map_entry.underlay_ifindex, 0, sizeof(netns->map_entry.underlay_ifindex));
	r = dump(&pass);
	return r;
}

bool interfaces_event(struct proxy_netns *netns, const struct link *link, enum link_event event)
{
	struct pass pass = { .netns = netns };

	netns->unwatched_since_ns = clock_now_ns();
	on_link(link, event, &pass);
	return pass.changed;
}

bool interfaces_scan(struct proxy_netns *netns)
{
	struct pass pass = { .netns = netns };
	int r = dump(&pass);

	if (r)
		log_debug("cannot list interfaces", field_text("proxy", netns->name),
			  field_error(r));
	return pass.changed;
}

bool interfaces_read(struct proxy_netns *netns)
{
	struct pass pass = { .netns = netns };
	int r;

	netns->unwatched_since_ns = clock_now_ns();
	r = links_read(&netns->links, on_link, &pass);
	if (r == -ENOBUFS) {
		log_info("interface events lost", field_text("proxy", netns->name),
			 field_text("action", "rescan"));
		r = dump(&pass);
	}
	if (r < 0)
		log_warn("cannot read interface events", field_text("proxy", netns->name),
			 field_error(r));
	return pass.changed;
}

void interfaces_repair(struct proxy_netns *netns)
{
	for (unsigned int i = 0; i < netns->table_size; i++) {
		struct watched_link *w = &netns->table[i];
		bool lost = false;

		if (!w->link.ifindex || w->error == -EPROTONOSUPPORT)
			continue;
		for (unsigned int j = 0; j < w->attachment_count; j++)
			lost |= attachment_alive(&w->attachments[j]) == 0;
		if (w->error || lost)
			attach(netns, w);
	}
}

void interfaces_close(struct proxy_netns *netns, bool remove)
{
	for (unsigned int i = 0; i < netns->table_size; i++) {
		if (netns->table[i].link.ifindex)
			detach(&netns->table[i], remove);
		memset(&netns->table[i], 0, sizeof(netns->table[i]));
	}
}

void interfaces_forget(struct proxy_netns *netns)
{
	for (unsigned int i = 0; i < netns->table_size; i++) {
		struct watched_link *w = &netns->table[i];

		for (unsigned int j = 0; j < w->attachment_count; j++)
			attachment_forget(&w->attachments[j]);
		memset(w, 0, sizeof(*w));
	}
}

void interfaces_free(struct proxy_netns *netns)
{
	free_pointer(&netns->table);
	netns->table_size = 0;
}
