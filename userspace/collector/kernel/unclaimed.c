// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/unclaimed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "wgsocks.skel.h"

#include <wgsocks/time.h>

#define UNCLAIMED_AGE_NS (30 * NS_PER_S) /* a device is asked each second; of a node, each ten */

static void add(__u64 *to, __u64 n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static void claim(struct handshake_counters *to, const struct handshake_counters *from)
{
	for (int i = 0; i < ABI_HANDSHAKE_MAX; i++) {
		add(&ABI_AT(__u64, to->initiations, i), ABI_AT(const __u64, from->initiations, i));
		add(&ABI_AT(__u64, to->responses, i), ABI_AT(const __u64, from->responses, i));
	}
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		add(&to->duration.buckets[i], from->duration.buckets[i]);
	add(&to->duration.sum_ns, from->duration.sum_ns);
}

static int tunnel_of(const uint16_t ports[ABI_TUNNELS_MAX], uint16_t port)
{
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		if (ports[i] && ports[i] == port)
			return i;
	}
	return -1;
}

void unclaimed_settle(struct kernel *kernel, uint32_t slot, const uint16_t ports[ABI_TUNNELS_MAX], uint64_t now_ns)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.handshakes_unclaimed);
	struct unclaimed_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (int i = 0; more && i < 2 * ABI_UNCLAIMED_MAX; i++) {
		struct unclaimed_handshakes u;
		int tunnel_index;

		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (key.slot != slot || bpf_map_lookup_elem(fd, &key, &u))
			continue;
		tunnel_index = tunnel_of(ports, key.port);
		if (tunnel_index < 0 && now_ns - u.begun_ns < UNCLAIMED_AGE_NS)
			continue;
		if (!bpf_map_delete_elem(fd, &key) && tunnel_index >= 0)
			claim(&kernel->counters[slot].handshakes[tunnel_index], &u.counters);
	}
}
