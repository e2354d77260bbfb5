// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/sweep.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "lib/time.h"
#include "wgsocks.skel.h"

/* Ends an entry if it is old. */
typedef void sweep_one(struct kernel *kernel, int map, const struct dns_key *key, uint64_t now_ns);

/*
 * Whichever side deletes the entry counts the query: the programs do the same when an answer
 * arrives.
 */
static bool entry_delete(int map, const struct dns_key *key, struct proxy_counters *c)
{
	if (!bpf_map_delete_elem(map, key))
		return true;
	if (errno != ENOENT)
		__atomic_fetch_add(&c->losses.delete, 1, __ATOMIC_RELAXED);
	return false;
}

static void sweep_query(struct kernel *kernel, int map, const struct dns_key *key, uint64_t now_ns)
{
	struct proxy_counters *c = &kernel->counters[key->slot];
	struct dns_pending query;

	if (bpf_map_lookup_elem(map, key, &query) ||
	    (int64_t)(now_ns - query.asked_ns) <= (int64_t)ABI_DNS_TIMEOUT_NS)
		return;
	if (!entry_delete(map, key, c))
		return;
	__atomic_fetch_sub(&c->dns_pending, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&ABI_AT(struct dns_counters, c->dns, key->path).unanswered, 1,
			   __ATOMIC_RELEASE);
}

/* A connection that is open in both directions can be silent for long; any other soon ends. */
static int64_t idle_max(const struct dns_stream *s)
{
	bool open = s->sides.answers.known && !s->sides.answers.ended && !s->sides.queries.ended;

	return open ? ABI_DNS_STREAM_IDLE_NS : ABI_DNS_STREAM_HALF_NS;
}

static void sweep_stream(struct kernel *kernel, int map, const struct dns_key *key, uint64_t now_ns)
{
	struct proxy_counters *c = &kernel->counters[key->slot];
	struct dns_stream stream;

	if (bpf_map_lookup_elem(map, key, &stream) ||
	    (int64_t)(now_ns - stream.last_ns) <= idle_max(&stream))
		return;
	if (!entry_delete(map, key, c))
		return;
	__atomic_fetch_sub(&c->dns_streams, 1, __ATOMIC_RELAXED);
}

/*
 * Reads the next key before it deletes an entry. Bounded, because the walk restarts if its key was
 * deleted meanwhile.
 */
static void walk(struct kernel *kernel, const struct bpf_map *map, uint64_t now_ns, sweep_one *one)
{
	int fd = bpf_map__fd(map);
	struct dns_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (uint32_t i = 0; more && i < 2 * bpf_map__max_entries(map); i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (key.slot < kernel->config->proxies_max && key.path < ABI_PATH_MAX)
			one(kernel, fd, &key, now_ns);
	}
}

int64_t sweep_dns_pending(const struct kernel *kernel)
{
	int64_t sum = 0;

	for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++)
		sum += __atomic_load_n(&kernel->counters[slot].dns_pending, __ATOMIC_RELAXED);
	return sum;
}

int64_t sweep_dns_streams(const struct kernel *kernel)
{
	int64_t sum = 0;

	for (uint32_t slot = 0; slot < kernel->config->proxies_max; slot++)
		sum += __atomic_load_n(&kernel->counters[slot].dns_streams, __ATOMIC_RELAXED);
	return sum;
}

void sweep_dns(struct kernel *kernel, uint64_t now_ns)
{
	if (sweep_dns_pending(kernel) > 0)
		walk(kernel, kernel->skeleton->maps.dns_pending, now_ns, sweep_query);
	if (sweep_dns_streams(kernel) > 0)
		walk(kernel, kernel->skeleton->maps.dns_streams, now_ns, sweep_stream);
}

/* Devices are read each second, on a node every ten seconds */
#define UNCLAIMED_AGE_NS (30 * NS_PER_S)

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

void unclaimed_settle(struct kernel *kernel, uint32_t slot, const uint16_t ports[ABI_TUNNELS_MAX],
		      uint64_t now_ns)
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
