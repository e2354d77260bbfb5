// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/destination_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/kernel/destination_country.h"
#include "wgsocks.skel.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"

static bool is_on(const struct kernel *kernel)
{
	return kernel->config->collectors & 1u << COLLECTOR_DESTINATIONS;
}

struct sized_map {
	struct bpf_map *map;
	uint32_t entries;
	size_t value;
};

static void maps_list(const struct kernel *kernel, struct sized_map maps[KERNEL_DESTINATION_MAPS])
{
	const struct wgsocks *s = kernel->skeleton;
	uint32_t proxies = kernel->config->proxies_max, max = kernel->config->destinations_max;

	maps[0] = (struct sized_map){ s->maps.destinations, proxies * destination_buckets_for(max),
				      sizeof(struct destination_bucket) };
	maps[1] = (struct sized_map){ s->maps.destination_entries, proxies * max,
				      sizeof(struct destination_entry) };
	maps[2] = (struct sized_map){ s->maps.destination_countries, proxies * ABI_COUNTRIES_MAX,
				      sizeof(struct destination_country) };
}

/* Unpins the tables of another size and keeps their maps open. */
static void former_hold(struct kernel *kernel, const struct sized_map *maps)
{
	char paths[KERNEL_DESTINATION_MAPS][CONFIG_PATH_SIZE];
	bool fits = true;

	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++) {
		struct bpf_map_info info = {};
		uint32_t length = sizeof(info);

		snprintf(paths[i], sizeof(paths[i]), "%.200s/%s", kernel->pins.folder,
			 bpf_map__name(maps[i].map));
		kernel->former[i] = bpf_obj_get(paths[i]);
		/* missing, or an error that load reports */
		if (kernel->former[i] < 0 ||
		    bpf_obj_get_info_by_fd(kernel->former[i], &info, &length))
			info.max_entries = maps[i].entries;
		fits &= info.max_entries == maps[i].entries;
	}
	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++) {
		if (!fits)
			unlink(paths[i]);
		else
			close_descriptor(&kernel->former[i]);
	}
}

int kernel_destinations_prepare(struct kernel *kernel)
{
	struct wgsocks *s = kernel->skeleton;
	bool named = is_on(kernel) && kernel->config->destinations_label == CONFIG_LABEL_NAME;
	struct sized_map maps[KERNEL_DESTINATION_MAPS];
	int r = 0;

	s->rodata->answers_enabled = named;
	s->rodata->destination_buckets = destination_buckets_for(kernel->config->destinations_max);
	maps_list(kernel, maps);
	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++) {
		kernel->former[i] = -1;
		r = r ?: bpf_map__set_autocreate(maps[i].map, is_on(kernel));
		r = r ?: bpf_map__set_max_entries(maps[i].map, maps[i].entries);
	}
	r = r ?: bpf_map__set_autocreate(s->maps.answers, named);
	if (!r && is_on(kernel) && kernel->pinned)
		former_hold(kernel, maps);
	return r;
}

static void *map_memory(int fd, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * Maps the tables of all slots. The three maps are arrays, so the table of slot 0 is at the start
 * of the memory.
 */
static struct destination_table *tables_map(const struct kernel *kernel,
					    const int fds[KERNEL_DESTINATION_MAPS],
					    const struct sized_map *maps)
{
	uint32_t proxies = kernel->config->proxies_max;
	struct destination_table *tables = calloc(proxies, sizeof(*tables)), first = {};

	if (!tables)
		return NULL;
	first.buckets = map_memory(fds[0], maps[0].entries * maps[0].value);
	first.entries = map_memory(fds[1], maps[1].entries * maps[1].value);
	first.countries = map_memory(fds[2], maps[2].entries * maps[2].value);
	first.bucket_count = maps[0].entries / proxies;
	first.max = maps[1].entries / proxies;
	for (uint32_t slot = 0; slot < proxies; slot++) {
		tables[slot] = first;
		if (first.buckets)
			tables[slot].buckets += (size_t)slot * first.bucket_count;
		if (first.entries)
			tables[slot].entries += (size_t)slot * first.max;
		if (first.countries)
			tables[slot].countries += (size_t)slot * ABI_COUNTRIES_MAX;
	}
	return tables;
}

static bool tables_complete(const struct destination_table *tables)
{
	return tables && tables->buckets && tables->entries && tables->countries;
}

static void tables_unmap(struct destination_table *tables, const struct sized_map *maps)
{
	if (!tables)
		return;
	if (tables->buckets)
		munmap(tables->buckets, maps[0].entries * maps[0].value);
	if (tables->entries)
		munmap(tables->entries, maps[1].entries * maps[1].value);
	if (tables->countries)
		munmap(tables->countries, maps[2].entries * maps[2].value);
	free(tables);
}

static void tables_open(const struct kernel *kernel, struct destination_table *tables)
{
	for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++)
		destination_table_open(&tables[slot]);
}

int kernel_destinations_share(struct kernel *kernel)
{
	struct sized_map maps[KERNEL_DESTINATION_MAPS];
	int fds[KERNEL_DESTINATION_MAPS];

	if (!is_on(kernel))
		return 0;
	maps_list(kernel, maps);
	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++)
		fds[i] = bpf_map__fd(maps[i].map);
	kernel->destinations = tables_map(kernel, fds, maps);
	if (!tables_complete(kernel->destinations))
		return -ENOMEM;
	tables_open(kernel, kernel->destinations);
	return 0;
}

void kernel_destinations_clear(struct kernel *kernel, uint32_t slot)
{
	struct destination_table *t = kernel->destinations ? &kernel->destinations[slot] : NULL;

	if (!t)
		return;
	/* Entries before buckets: after a crash here, the next process finds no entry to count */
	memset(t->entries, 0, t->max * sizeof(*t->entries));
	memset(t->buckets, 0, t->bucket_count * sizeof(*t->buckets));
	memset(t->countries, 0, ABI_COUNTRIES_MAX * sizeof(*t->countries));
	t->count = 0;
}

void kernel_destinations_close(struct kernel *kernel)
{
	struct sized_map maps[KERNEL_DESTINATION_MAPS];

	if (kernel->skeleton) {
		maps_list(kernel, maps);
		tables_unmap(kernel->destinations, maps);
		kernel->destinations = NULL;
	}
	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++)
		close_descriptor(&kernel->former[i]);
}

/* ---- change of --destinations.max ---- */

static int heavier_first(const void *a, const void *b, void *context)
{
	const struct destination_table *table = context;
	const struct destination_count *x =
		destination_of(table, &table->entries[*(const uint32_t *)a]);
	const struct destination_count *y =
		destination_of(table, &table->entries[*(const uint32_t *)b]);
	uint64_t of_x = x->bytes.receive + x->bytes.transmit;
	uint64_t of_y = y->bytes.receive + y->bytes.transmit;

	return (of_x < of_y) - (of_x > of_y);
}

/*
 * Bytes of an entry without room count as `other` from now on; its country keeps its share of them.
 */
static void entry_drop(struct destination_table *to, struct proxy *proxy,
		       const struct destination_entry *from, const struct destination_count *count)
{
	for (int d = 0; d < ABI_DIRECTION_MAX; d++)
		ABI_AT(__u64, proxy->retired_other, d) += ABI_AT(const __u64, count->bytes, d);
	country_entry_drop(to, from, &count->bytes);
}

static void entries_move(struct destination_table *to, const struct destination_table *from,
			 struct proxy *proxy)
{
	_cleanup_free_ uint32_t *order = calloc(from->count ?: 1, sizeof(*order));

	for (uint32_t i = 0; order && i < from->count; i++)
		order[i] = i;
	if (order)
		qsort_r(order, from->count, sizeof(*order), heavier_first, (void *)from);
	memcpy(to->countries, from->countries, ABI_COUNTRIES_MAX * sizeof(*to->countries));
	for (uint32_t i = 0; i < from->count; i++) {
		const struct destination_entry *entry = &from->entries[order ? order[i] : i];
		const struct destination_count *count = destination_of(from, entry);
		struct destination_entry *moved =
			destination_promote(to, ABI_HALVES(entry->address), entry->label);

		if (!moved) {
			entry_drop(to, proxy, entry, count);
			continue;
		}
		memcpy(moved->country, entry->country, sizeof(moved->country));
		moved->since = entry->since;
		for (int d = 0; d < ABI_DIRECTION_MAX; d++)
			__atomic_fetch_add(&ABI_AT(__u64, destination_of(to, moved)->bytes, d),
					   ABI_AT(const __u64, count->bytes, d), __ATOMIC_RELAXED);
	}
}

/* Reads the sizes of the former maps. */
static int former_sizes(const struct kernel *kernel, struct sized_map maps[KERNEL_DESTINATION_MAPS])
{
	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++) {
		struct bpf_map_info info = {};
		uint32_t length = sizeof(info);

		if (bpf_obj_get_info_by_fd(kernel->former[i], &info, &length))
			return -errno;
		if (info.value_size != maps[i].value)
			return -EINVAL;
		maps[i].entries = info.max_entries;
	}
	return 0;
}

static int slot_move(struct kernel *kernel, uint32_t slot, const struct destination_table *from)
{
	struct proxy proxy;
	int r = from->count ? kernel_proxy_read(kernel, slot, &proxy) : 0;

	if (r || !from->count)
		return r;
	entries_move(&kernel->destinations[slot], from, &proxy);
	return kernel_proxy_write(kernel, slot, &proxy);
}

void kernel_destinations_move(struct kernel *kernel)
{
	struct sized_map maps[KERNEL_DESTINATION_MAPS];
	struct destination_table *from;
	int r;

	if (!kernel->destinations || kernel->former[0] < 0)
		return;
	maps_list(kernel, maps);
	r = former_sizes(kernel, maps);
	from = r ? NULL : tables_map(kernel, kernel->former, maps);
	if (!r && tables_complete(from)) {
		tables_open(kernel, from);
		for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++)
			r = r ?: slot_move(kernel, slot, &from[slot]);
	}
	if (r || !tables_complete(from))
		log_warn("cannot copy destinations after change of --destinations.max",
			 field_error(r ?: ENOMEM));
	tables_unmap(from, maps);
	for (int i = 0; i < KERNEL_DESTINATION_MAPS; i++)
		close_descriptor(&kernel->former[i]);
}
