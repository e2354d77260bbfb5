// SPDX-License-Identifier: Apache-2.0
#include "dns.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "wgsocks.skel.h"

const struct dns_way dns_ways[] = {
	{ { 4, 0, 0, 3 }, ABI_PATH_TUNNEL, "IPv4, tunnel" },
	{ { 6, 0, 0, 0 }, ABI_PATH_TUNNEL, "IPv6, tunnel" },
	{ { 4, 14, 0, 0 }, ABI_PATH_UNDERLAY, "IPv4, underlay" },
	{ { 6, 14, 0, 3 }, ABI_PATH_UNDERLAY, "IPv6, underlay" },
	{ { 4, 14, 2, 3 }, ABI_PATH_TUNNEL, "IPv4 with options, tunnel" },
	{ { 6, 14, 2, 3 }, ABI_PATH_TUNNEL, "IPv6 with extension headers, tunnel" },
	{ { 4, 14, 3, 3 }, ABI_PATH_UNDERLAY, "IPv4 with options, underlay" },
	{ { 6, 14, 3, 0 }, ABI_PATH_UNDERLAY, "IPv6 with extension headers, underlay" },
};

size_t dns_message(uint8_t *out, uint16_t id, bool answer, uint16_t type, uint8_t rcode)
{
	static const uint8_t rest[] = { 0, 1, 0, 0, 0, 0, 0, 0, 3, 'l', 'a', 'b', 0 };

	out[0] = (uint8_t)(id >> 8);
	out[1] = (uint8_t)id;
	out[2] = answer ? 0x81 : 1;
	out[3] = rcode;
	memcpy(out + 4, rest, sizeof(rest));
	out[4 + sizeof(rest)] = (uint8_t)(type >> 8);
	out[5 + sizeof(rest)] = (uint8_t)type;
	out[6 + sizeof(rest)] = 0;
	out[7 + sizeof(rest)] = 1;
	return 8 + sizeof(rest);
}

static void map_clear(int map)
{
	struct dns_key key;

	while (!bpf_map_get_next_key(map, NULL, &key))
		if (!check(bpf_map_delete_elem(map, &key) == 0, "a DNS map: %s", strerror(errno)))
			return;
}

void dns_begin(struct kernel *kernel)
{
	kernel_reset(kernel);
	kernel->came_in_by = 0;
	map_clear(bpf_map__fd(kernel->skeleton->maps.dns_pending));
	map_clear(bpf_map__fd(kernel->skeleton->maps.dns_streams));
}

void dns_send(struct kernel *kernel, const struct dns_way *way, bool answer,
	      const struct frame *frame, uint32_t gso_size)
{
	static const enum kernel_hook hooks[ABI_PATH_MAX][2] = {
		[ABI_PATH_TUNNEL] = { HOOK_TUNNEL_TRANSMIT, HOOK_TUNNEL_RECEIVE },
		[ABI_PATH_UNDERLAY] = { HOOK_EGRESS, HOOK_INGRESS },
	};

	kernel_run(kernel, hooks[way->path][answer], frame,
		   way->path == ABI_PATH_TUNNEL ? ABI_TUNNELS_MAX - 1 : 0, gso_size);
}

static uint64_t map_entries(int map)
{
	struct dns_key key;
	uint64_t count = 0;

	for (bool more = !bpf_map_get_next_key(map, NULL, &key); more;
	     more = !bpf_map_get_next_key(map, &key, &key))
		count++;
	return count;
}

void dns_check(struct kernel *kernel, const struct dns_way *way, const struct dns_want *want)
{
	static const struct dns_counters none;
	const struct proxy_counters *c = kernel->counters;
	const struct dns_counters *d = &ABI_AT(struct dns_counters, c->dns, way->path);
	uint64_t observed = 0, answered = 0;

	for (int i = 0; i < ABI_DNS_TYPE_MAX; i++) {
		unsigned long long is = ABI_AT(__u64, d->queries, i),
				   must = ABI_AT(__u64, want->queries, i);

		check(is == must, "%llu queries of type %d, not %llu", is, i, must);
	}
	for (int i = 0; i < ABI_DNS_RCODE_MAX; i++) {
		unsigned long long is = ABI_AT(__u64, d->responses, i),
				   must = ABI_AT(__u64, want->responses, i);

		check(is == must, "%llu responses of rcode %d, not %llu", is, i, must);
		answered += must;
	}
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		observed += d->duration.buckets[i];
	check(observed == answered, "%llu durations", (unsigned long long)observed);
	for (int i = 0; i < ABI_LOSS_MAX; i++) {
		unsigned long long is = ABI_AT(__u64, c->losses, i);

		check(is == ABI_AT(__u64, want->losses, i), "%llu losses of cause %d", is, i);
	}
	check(c->leaked_dns == want->leaked, "%llu leaked", (unsigned long long)c->leaked_dns);
	check(c->dns_pending == (int64_t)want->pending &&
		      map_entries(bpf_map__fd(kernel->skeleton->maps.dns_pending)) == want->pending,
	      "%lld pending, not %llu", (long long)c->dns_pending,
	      (unsigned long long)want->pending);
	check(c->dns_streams == (int64_t)want->streams &&
		      map_entries(bpf_map__fd(kernel->skeleton->maps.dns_streams)) == want->streams,
	      "%lld streams, not %llu", (long long)c->dns_streams,
	      (unsigned long long)want->streams);
	check(!memcmp(&ABI_AT(struct dns_counters, c->dns, !way->path), &none, sizeof(none)),
	      "something is counted by the other way");
}
