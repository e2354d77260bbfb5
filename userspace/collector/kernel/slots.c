// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/slots.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/kernel/destination_maps.h"
#include "wgsocks.skel.h"
#include "lib/cleanup.h"

int slots_read(struct kernel *kernel)
{
	kernel->owners = calloc(kernel->config->proxies_max, sizeof(*kernel->owners));
	if (!kernel->owners)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++) {
		struct proxy entry;
		int r = kernel_proxy_read(kernel, slot, &entry);

		if (r)
			return r;
		kernel->owners[slot] = (struct slot_owner){ entry.netns_cookie, entry.netns_inode };
	}
	return 0;
}

int64_t slot_find(const struct kernel *kernel, uint32_t netns_inode, uint64_t netns_cookie)
{
	for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++) {
		const struct slot_owner *owner = &kernel->owners[slot];

		if (owner->netns_inode == netns_inode && owner->netns_cookie == netns_cookie)
			return slot;
	}
	return -ENOENT;
}

int64_t slot_free(const struct kernel *kernel)
{
	for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++) {
		if (!kernel->owners[slot].netns_inode)
			return slot;
	}
	return -ENOSPC;
}

/* Deletes the entries of a slot; `slot_of` reads the slot from key or value. */
typedef uint16_t slot_reader(const void *key, const void *value);

static int entries_delete(const struct bpf_map *map, uint32_t slot, slot_reader *slot_of)
{
	_cleanup_free_ char *key = calloc(3, bpf_map__key_size(map));
	_cleanup_free_ void *value = malloc(bpf_map__value_size(map));
	char *next = key + bpf_map__key_size(map);
	int fd = bpf_map__fd(map);
	bool more;

	if (!key || !value)
		return -ENOMEM;
	more = !bpf_map_get_next_key(fd, NULL, next);
	for (uint32_t i = 0; more && i < 2 * bpf_map__max_entries(map); i++) {
		memcpy(key, next, bpf_map__key_size(map));
		more = !bpf_map_get_next_key(fd, key, next); /* before the deletion of this key */
		if (!bpf_map_lookup_elem(fd, key, value) && slot_of(key, value) == slot &&
		    bpf_map_delete_elem(fd, key) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static uint16_t session_slot(const void *key, const void *value)
{
	return ((const struct session_key *)key)->slot;
}

static uint16_t upstream_slot(const void *key, const void *value)
{
	return ((const struct upstream *)value)->slot;
}

static uint16_t dns_slot(const void *key, const void *value)
{
	return ((const struct dns_key *)key)->slot;
}

static uint16_t unclaimed_slot(const void *key, const void *value)
{
	return ((const struct unclaimed_key *)key)->slot;
}

/* Clears the counters in arrays. */
static int arrays_clear(struct kernel *kernel, uint32_t slot)
{
	const struct wgsocks *s = kernel->skeleton;
	int r = 0;

	memset(&kernel->counters[slot], 0, sizeof(*kernel->counters));
	memset(&kernel->windows[slot], 0, sizeof(*kernel->windows));
	memset(&kernel->event_budgets[slot], 0, sizeof(*kernel->event_budgets));
	if (kernel->rates)
		memset(&kernel->rates[slot], 0, sizeof(*kernel->rates));
	if (bpf_map__autocreate(s->maps.clients)) {
		struct client_table none = {};

		if (bpf_map_update_elem(bpf_map__fd(s->maps.clients), &slot, &none, BPF_ANY))
			r = -errno;
	}
	for (uint32_t i = 0; i < ABI_TUNNELS_MAX; i++)
		r = r ?: kernel_tunnel_clear(kernel, slot * ABI_TUNNELS_MAX + i);
	kernel_destinations_clear(kernel, slot);
	return r;
}

int slot_clear(struct kernel *kernel, uint32_t slot)
{
	const struct wgsocks *s = kernel->skeleton;
	struct proxy former, next = {};
	int r = kernel_proxy_read(kernel, slot, &former);

	if (r)
		return r;
	r = kernel_netns_remove(kernel, former.netns_inode, slot);
	r = r ?: entries_delete(s->maps.sessions, slot, session_slot);
	r = r ?: entries_delete(s->maps.upstreams, slot, upstream_slot);
	r = r ?: entries_delete(s->maps.dns_pending, slot, dns_slot);
	r = r ?: entries_delete(s->maps.dns_streams, slot, dns_slot);
	r = r ?: entries_delete(s->maps.handshakes_unclaimed, slot, unclaimed_slot);
	r = r ?: arrays_clear(kernel, slot);
	if (r)
		return r; /* the slot stays in use until it is clean */
	next.generation = former.generation + 1 ?: 1;
	return kernel_proxy_write(kernel, slot, &next);
}
