// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/sweep.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "wgsocks.skel.h"

/* Ends an entry if it is old. */
typedef void sweep_one(struct kernel *kernel, int map, const struct dns_key *key, uint64_t now_ns);

/* Whose delete succeeds counts: the programs do the same when an answer comes. */
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

	if (bpf_map_lookup_elem(map, key, &query) || (int64_t)(now_ns - query.asked_ns) <= (int64_t)ABI_DNS_TIMEOUT_NS)
		return;
	if (!entry_delete(map, key, c))
		return;
	__atomic_fetch_sub(&c->dns_pending, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&ABI_AT(struct dns_counters, c->dns, key->path).unanswered, 1, __ATOMIC_RELEASE);
}

/* One that is open in both directions may be silent for long; the rest of another is soon over. */
static int64_t idle_max(const struct dns_stream *s)
{
	bool open = s->sides.answers.known && !s->sides.answers.ended && !s->sides.queries.ended;

	return open ? ABI_DNS_STREAM_IDLE_NS : ABI_DNS_STREAM_HALF_NS;
}

static void sweep_stream(struct kernel *kernel, int map, const struct dns_key *key, uint64_t now_ns)
{
	struct proxy_counters *c = &kernel->counters[key->slot];
	struct dns_stream stream;

	if (bpf_map_lookup_elem(map, key, &stream) || (int64_t)(now_ns - stream.last_ns) <= idle_max(&stream))
		return;
	if (!entry_delete(map, key, c))
		return;
	__atomic_fetch_sub(&c->dns_streams, 1, __ATOMIC_RELAXED);
}

/* The next key is read before this one's entry goes. Bounded: a key that vanished meanwhile makes the walk begin anew.
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
