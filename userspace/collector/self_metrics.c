// SPDX-License-Identifier: Apache-2.0
/* Metrics about the exporter: attachments, losses, resources. */
#include <bpf/libbpf.h>

#include "collector/state.h"
#include "collector/kernel/programs.h"
#include "collector/kernel/sweep.h"
#include "wgsocks.skel.h"
#include "lib/metrics/metrics.h"

static void add_program(struct collector *c, const char *name, bool up)
{
	uint32_t label = snapshot_string(&c->builder, name);

	snapshot_add_unsigned(&c->builder, METRIC_PROGRAM_UP, &label, up);
}

/* Collects whether all interfaces of a kind have their attachments. */
static void attached(const struct proxy_netns *netns, bool *tunnel, bool *underlay, bool *broken)
{
	for (unsigned int i = 0; i < netns->table_size; i++) {
		const struct watched_link *w = &netns->table[i];

		if (!w->link.ifindex)
			continue;
		if (w->tunnel)
			*tunnel |= w->attachment_count && !w->error;
		else if (w->error)
			*broken = true;
		else
			*underlay |= w->attachment_count > 0;
	}
}

static void read_programs(struct collector *c)
{
	const struct kernel *k = &c->kernel;
	bool tunnel = false, underlay = false, broken = false;

	for (uint32_t i = 0; i < c->proxies.count; i++)
		attached(&c->proxies.managed[i]->netns, &tunnel, &underlay, &broken);
	add_program(c, "state", k->links[KERNEL_STATE_A] && k->links[KERNEL_STATE_B]);
	add_program(c, "retransmit", k->links[KERNEL_RETRANSMIT]);
	add_program(c, "synack", k->links[KERNEL_SYNACK]);
	add_program(c, "reconcile", k->skeleton);
	add_program(c, "tunnel", tunnel);
	add_program(c, "underlay", underlay && !broken);
}

static void read_attachments(struct collector *c, const struct proxy_netns *netns, uint32_t name)
{
	uint32_t labels[3] = { name };

	for (unsigned int i = 0; i < netns->table_size; i++) {
		const struct watched_link *w = &netns->table[i];

		if (!w->link.ifindex || !w->attachment_count)
			continue;
		labels[1] = snapshot_string(&c->builder, w->link.name);
		labels[2] =
			snapshot_string(&c->builder, config_attach_name(w->attachments[0].mode));
		snapshot_add_unsigned(&c->builder, METRIC_ATTACH_MODE, labels, 1);
	}
}

/* Losses in userspace: interfaces and peers. */
static uint64_t userspace_losses(const struct collector *c, enum abi_loss cause)
{
	uint64_t n = 0;

	if (cause != ABI_LOSS_OTHER)
		return 0;
	n = c->proxies.links_lost + c->proxies.peers_lost;
	for (uint32_t i = 0; i < c->proxies.count; i++) {
		const struct proxy_netns *netns = &c->proxies.managed[i]->netns;

		n += netns->links_lost + netns->wireguard.lost;
	}
	return n;
}

static void read_losses(struct collector *c)
{
	for (int i = 0; i < ABI_LOSS_MAX; i++) {
		uint32_t label = snapshot_string(&c->builder, metric_loss(i));
		uint64_t n = userspace_losses(c, i);

		for (uint32_t slot = 0; c->kernel.counters && slot < c->child->config->proxies_max;
		     slot++)
			n += ABI_AT(__u64, c->kernel.counters[slot].losses, i);
		snapshot_add_unsigned(&c->builder, METRIC_EVENTS_LOST, &label, n);
	}
	for (int i = 0; c->kernel.skeleton && i < KERNEL_LINK_MAX; i++) {
		uint32_t label = snapshot_string(&c->builder, dispatcher_name(i));

		snapshot_add_unsigned(&c->builder, METRIC_RECURSION_MISSES, &label,
				      kernel_recursion_misses(&c->kernel, i));
	}
}

static void add_map(struct collector *c, const struct bpf_map *map, int64_t entries)
{
	uint32_t label = snapshot_string(&c->builder, bpf_map__name(map));

	snapshot_add_unsigned(&c->builder, METRIC_MAP_ENTRIES, &label, entries > 0 ? entries : 0);
	snapshot_add_unsigned(&c->builder, METRIC_MAP_MAX_ENTRIES, &label,
			      bpf_map__max_entries(map));
}

static int64_t destinations_count(const struct collector *c)
{
	int64_t n = 0;

	for (uint32_t slot = 0; slot < c->child->config->proxies_max; slot++)
		n += c->kernel.destinations[slot].count;
	return n;
}

/*
 * Uses the gauges, which count each successful insert and delete: walking a full table would take
 * longer than the scrape.
 */
static void read_maps(struct collector *c)
{
	const struct wgsocks *s = c->kernel.skeleton;
	int64_t sessions = 0, upstreams = 0;

	if (!s)
		return;
	for (uint32_t slot = 0; slot < c->child->config->proxies_max; slot++) {
		sessions += c->kernel.counters[slot].client_active;
		upstreams += c->kernel.counters[slot].upstream_active +
			     c->kernel.counters[slot].upstream_pending;
	}
	add_map(c, s->maps.sessions, sessions);
	add_map(c, s->maps.upstreams, upstreams);
	add_map(c, s->maps.dns_pending, sweep_dns_pending(&c->kernel));
	add_map(c, s->maps.dns_streams, sweep_dns_streams(&c->kernel));
	add_map(c, s->maps.proxies, c->proxies.count);
	if (c->kernel.destinations)
		add_map(c, s->maps.destination_entries, destinations_count(c));
	snapshot_add_unsigned(&c->builder, METRIC_BPF_MEMORY, NULL, c->memory_bytes);
}

static void add_skipped(struct collector *c, uint32_t index, uint32_t label)
{
	snapshot_add_unsigned(&c->builder, METRIC_LISTENER_EVENTS_SKIPPED, &label,
			      kernel_events_skipped(&c->kernel, index));
}

static void read_skipped(struct collector *c)
{
	if (!c->kernel.event_budgets)
		return;
	for (uint32_t i = 0; i < c->proxies.count; i++) {
		const struct proxy_netns *netns = &c->proxies.managed[i]->netns;

		if (netns->started)
			add_skipped(c, netns->slot, c->names[i]);
	}
	add_skipped(c, c->child->config->proxies_max, snapshot_string(&c->builder, ""));
}

void collector_read_self_metrics(struct collector *c)
{
	snapshot_add_unsigned(&c->builder, METRIC_PINNED, NULL, c->kernel.pinned);
	snapshot_add_unsigned(&c->builder, METRIC_PROXIES, NULL, c->proxies.count);
	snapshot_add_unsigned(&c->builder, METRIC_PROXIES_UNWATCHED, NULL, c->proxies.unwatched);
	read_programs(c);
	for (uint32_t i = 0; i < c->proxies.count; i++)
		read_attachments(c, &c->proxies.managed[i]->netns, c->names[i]);
	read_skipped(c);
	read_losses(c);
	read_maps(c);
}
