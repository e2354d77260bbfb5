// SPDX-License-Identifier: Apache-2.0
/* Reads and writes the maps of the loaded kernel side. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/kernel/kernel.h"
#include "wgsocks.skel.h"
#include "lib/cleanup.h"

int kernel_proxy_write(struct kernel *kernel, uint32_t slot, const struct proxy *proxy)
{
	if (bpf_map_update_elem(bpf_map__fd(kernel->skeleton->maps.proxies), &slot, proxy, BPF_ANY))
		return -errno;
	kernel->owners[slot] = (struct slot_owner){ proxy->netns_cookie, proxy->netns_inode };
	return 0;
}

int kernel_proxy_read(const struct kernel *kernel, uint32_t slot, struct proxy *proxy)
{
	return bpf_map_lookup_elem(bpf_map__fd(kernel->skeleton->maps.proxies), &slot, proxy)
		       ? -errno
		       : 0;
}

bool kernel_port_in_use(const struct kernel *kernel, uint32_t slot, uint16_t port)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.sessions);
	struct session_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned int i = 0; more && i < ABI_SESSIONS_MAX; i++) {
		key = next;
		if (key.slot == slot && key.server_port == port)
			return true;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
	}
	return false;
}

/*
 * Replaces one inode by another in its bucket; 0 is a free way. Adding an existing entry changes
 * nothing.
 */
static int netns_exchange(struct kernel *kernel, uint32_t bucket_of, uint32_t from,
			  struct netns_entry to)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.netns);
	uint32_t index = bucket_of & (bpf_map__max_entries(kernel->skeleton->maps.netns) - 1);
	struct netns_bucket bucket;

	if (bpf_map_lookup_elem(fd, &index, &bucket))
		return -errno;
	for (int i = 0; i < ABI_NETNS_WAYS; i++) {
		if (to.inode && bucket.ways[i].inode == to.inode)
			from = to.inode;
	}
	for (int i = 0; i < ABI_NETNS_WAYS; i++) {
		if (bucket.ways[i].inode != from)
			continue;
		bucket.ways[i] = to;
		return bpf_map_update_elem(fd, &index, &bucket, BPF_ANY) ? -errno : 0;
	}
	return -ENOSPC;
}

int kernel_netns_add(struct kernel *kernel, uint32_t inode, uint32_t slot)
{
	return netns_exchange(kernel, inode, 0,
			      (struct netns_entry){ .inode = inode, .slot = slot });
}

/* Removes it only if it still has this slot: the kernel reuses the inode of a dead namespace. */
int kernel_netns_remove(struct kernel *kernel, uint32_t inode, uint32_t slot)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.netns);
	uint32_t index = inode & (bpf_map__max_entries(kernel->skeleton->maps.netns) - 1);
	struct netns_bucket bucket;

	if (!inode)
		return 0;
	if (bpf_map_lookup_elem(fd, &index, &bucket))
		return -errno;
	for (int i = 0; i < ABI_NETNS_WAYS; i++) {
		if (bucket.ways[i].inode != inode || bucket.ways[i].slot != slot)
			continue;
		bucket.ways[i] = (struct netns_entry){};
		return bpf_map_update_elem(fd, &index, &bucket, BPF_ANY) ? -errno : 0;
	}
	return 0;
}

int kernel_clients_read(const struct kernel *kernel, uint32_t slot, struct client_table *table)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.clients);

	return bpf_map_lookup_elem_flags(fd, &slot, table, BPF_F_LOCK) ? -errno : 0;
}

uint32_t kernel_events_skipped(const struct kernel *kernel, uint32_t index)
{
	return __atomic_load_n(&kernel->event_budgets[index].skipped, __ATOMIC_RELAXED);
}

int kernel_tunnel_read(const struct kernel *kernel, uint32_t index, struct tunnel_counters *sum)
{
	_cleanup_free_ struct tunnel_counters *each = calloc(kernel->cpus, sizeof(*each));

	memset(sum, 0, sizeof(*sum));
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(kernel->skeleton->maps.tunnels), &index, each))
		return -errno;
	for (unsigned int cpu = 0; cpu < kernel->cpus; cpu++) {
		const struct traffic *from = &ABI_TRAFFIC(&each[cpu], 0, 0, 0);
		struct traffic *to = &ABI_TRAFFIC(sum, 0, 0, 0);

		for (int i = 0; i < ABI_DIRECTION_MAX * ABI_FAMILY_MAX * ABI_PROTOCOL_MAX; i++) {
			to[i].packets += from[i].packets;
			to[i].bytes += from[i].bytes;
		}
		for (int i = 0; i < ABI_DIRECTION_MAX; i++) {
			__u64 last = ABI_AT(__u64, each[cpu].last_jiffies, i);

			if (last > ABI_AT(__u64, sum->last_jiffies, i))
				ABI_AT(__u64, sum->last_jiffies, i) = last;
			ABI_AT(__u64, sum->other, i) += ABI_AT(__u64, each[cpu].other, i);
		}
	}
	return 0;
}

uint64_t tunnel_bytes(const struct tunnel_counters *counters)
{
	uint64_t bytes = 0;

	for (int d = 0; d < ABI_DIRECTION_MAX; d++) {
		for (int f = 0; f < ABI_FAMILY_MAX; f++) {
			for (int p = 0; p < ABI_PROTOCOL_MAX; p++)
				bytes += ABI_TRAFFIC(counters, d, f, p).bytes;
		}
	}
	return bytes;
}

uint64_t kernel_last_second(const struct kernel *kernel, uint32_t slot)
{
	uint64_t last = 0;

	for (int i = 0; i < ABI_WINDOW_SECONDS; i++) {
		const struct window_sample *s = &kernel->windows[slot].samples[i];

		last = s->second > last ? s->second : last;
	}
	return last;
}

int kernel_tunnel_clear(struct kernel *kernel, uint32_t index)
{
	_cleanup_free_ struct tunnel_counters *each = calloc(kernel->cpus, sizeof(*each));

	if (!each)
		return -ENOMEM;
	return bpf_map_update_elem(bpf_map__fd(kernel->skeleton->maps.tunnels), &index, each,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

uint64_t kernel_recursion_misses(const struct kernel *kernel, enum kernel_link which)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	if (kernel->dispatchers[which] < 0 ||
	    bpf_obj_get_info_by_fd(kernel->dispatchers[which], &info, &length))
		return 0;
	return info.recursion_misses;
}

static uint64_t memlock_of(int fd)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[128];
	uint64_t bytes;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			return bytes;
	}
	return 0;
}

uint64_t kernel_memory(const struct kernel *kernel)
{
	struct bpf_program *program;
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, kernel->skeleton->obj)
	{
		sum += memlock_of(bpf_map__fd(map));
	}
	bpf_object__for_each_program(program, kernel->skeleton->obj)
	{
		sum += memlock_of(bpf_program__fd(program));
	}
	return sum;
}
