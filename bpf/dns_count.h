/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts DNS queries when they leave and answers when they arrive. Each pending query has an entry
 * in `dns_pending`. Whichever side deletes the entry counts the end of the query: the program that
 * sees the answer, or the collector for entries older than ABI_DNS_TIMEOUT_NS. So without pending
 * queries, queries = responses + unanswered; a loss counts any difference.
 */
#pragma once

#include "count.h"
#include "leak.h"
#include "maps.h"
#include "parse/ip.h"

/* Whether the packet passes a tunnel; the program that the stub called shows it. */
static __always_inline int dns_is_tunnel(const struct __sk_buff *skb)
{
	__u32 program = ABI_STUB_PROGRAM(skb->cb[4]);

	return program == ABI_PACKET_TUNNEL_RECEIVE || program == ABI_PACKET_TUNNEL_TRANSMIT;
}

static __always_inline enum dns_direction dns_direction_of(const struct __sk_buff *skb)
{
	__u32 program = ABI_STUB_PROGRAM(skb->cb[4]);

	return program == ABI_PACKET_TUNNEL_TRANSMIT || program == ABI_PACKET_UNDERLAY_EGRESS
		       ? DNS_QUERIES
		       : DNS_ANSWERS;
}

/* Whether the query is a forwarded packet, which belongs to no socket of the network namespace. */
static __always_inline int dns_is_foreign(const struct __sk_buff *skb, enum dns_direction direction)
{
	return direction == DNS_QUERIES && skb->ingress_ifindex;
}

static __always_inline __u32 dns_slot_of(const struct __sk_buff *skb)
{
	__u32 slot = ABI_STUB_SLOT(skb->cb[4]);

	return dns_is_tunnel(skb) ? slot / ABI_TUNNELS_MAX : slot;
}

/*
 * Sets slot, generation and path of a key. Returns the proxy's counters, or NULL if there is no
 * such proxy.
 */
static __always_inline struct proxy_counters *dns_key_set_proxy(const struct __sk_buff *skb,
								struct dns_key *key)
{
	__u32 slot = dns_slot_of(skb);
	struct proxy *proxy = proxy_of(slot);

	if (!proxy)
		return NULL;
	key->slot = slot;
	key->generation = proxy->generation;
	key->path = dns_is_tunnel(skb) ? ABI_PATH_TUNNEL : ABI_PATH_UNDERLAY;
	return counters_of(slot);
}

/* Packs the client's port and whether it uses TCP: global functions take scalars only. */
#define DNS_PEER(port, tcp) ((__u32)(port) | (__u32)(tcp) << 16)
#define DNS_PEER_PORT(peer) ((peer)&0xffff)
#define DNS_PEER_TCP(peer) (((peer) >> 16) & 1)

/* Sets the key of a message in this packet. Returns the proxy's counters, or NULL on failure. */
static __always_inline struct proxy_counters *dns_key_set(struct __sk_buff *skb,
							  struct dns_key *key,
							  enum dns_direction direction, __u32 id,
							  __u32 peer)
{
	__u32 l2 = ABI_STUB_L2(skb->cb[4]);

	key->client_port = DNS_PEER_PORT(peer);
	key->tcp = DNS_PEER_TCP(peer);
	key->id = id;
	if (direction == DNS_QUERIES ? ip_addresses_load(skb, l2, key->client, key->server)
				     : ip_addresses_load(skb, l2, key->server, key->client))
		return NULL;
	return dns_key_set_proxy(skb, key);
}

/* Adds a pending query; if it cannot, counts a loss. Sets key->turn. */
static __always_inline void dns_pending_add(struct proxy_counters *c, struct dns_key *key)
{
	struct dns_pending new = { .asked_ns = bpf_ktime_get_ns() };
	int error = -EEXIST;

#pragma clang loop unroll(disable)
	for (__u32 turn = 0; turn < ABI_DNS_TURNS && error == -EEXIST; turn++) {
		key->turn = turn;
		error = map_insert(&dns_pending, key, &new);
	}
	if (error)
		count_loss(c, ABI_LOSS_INSERT);
	else
		COUNT(c->dns_pending);
}

static __always_inline struct dns_counters *dns_of(struct proxy_counters *c,
						   const struct dns_key *key)
{
	return &ABI_AT(struct dns_counters, c->dns, key->path & 1);
}

/*
 * Whether another interface has counted this query: it may pass two, such as a VLAN and the
 * interface below it. For UDP only: TCP counts by stream offset.
 */
static __always_inline int dns_passed_before(const struct __sk_buff *skb, const struct dns_key *key)
{
	struct dns_seen now = { .passed_ns = bpf_ktime_get_ns(), .ifindex = skb->ifindex };
	const struct dns_seen *last = bpf_map_lookup_elem(&dns_seen, key);

	if (last && last->ifindex != now.ifindex &&
	    now.passed_ns - last->passed_ns < ABI_DNS_SEEN_NS)
		return 1;
	bpf_map_update_elem(&dns_seen, key, &now, BPF_ANY);
	return 0;
}

/*
 * Counts a query. `type`: enum abi_dns_type. Returns 0. This function and dns_answer are global:
 * the verifier checks each once. They build the key from the packet, so the loops that call them
 * hold only scalars.
 */
__noinline int dns_query(struct __sk_buff *skb, __u32 id, __u32 type, __u32 peer)
{
	struct dns_key key = {};
	struct proxy_counters *c = dns_key_set(skb, &key, DNS_QUERIES, id, peer);

	if (!c || (key.path == ABI_PATH_UNDERLAY && !key.tcp && dns_passed_before(skb, &key)))
		return 0;
	if (leaks_enabled && key.path == ABI_PATH_UNDERLAY && !leak_allowed(key.server))
		COUNT(c->leaked_dns);
	if (!dns_counted || type >= ABI_DNS_TYPE_MAX)
		return 0;
	COUNT(ABI_AT(__u64, dns_of(c, &key)->queries, type));
	dns_pending_add(c, &key);
	return 0;
}

/* Deletes a pending query. Returns whether it existed; if so, the caller counts its end. */
static __always_inline int dns_pending_take(struct proxy_counters *c, const struct dns_key *key)
{
	int error = map_delete(&dns_pending, key);

	if (!error)
		UNCOUNT(c->dns_pending);
	else if (error != -ENOENT)
		count_loss(c, ABI_LOSS_DELETE);
	return !error;
}

/*
 * Deletes a pending query with this key that has not timed out. Returns its age in ns, or -1 if
 * there is none. Adds timed-out queries that it meets to `unanswered`.
 */
static __always_inline __s64 dns_pending_find(struct proxy_counters *c, struct dns_key *key,
					      __u64 *unanswered)
{
	__u64 now = bpf_ktime_get_ns();

#pragma clang loop unroll(disable)
	for (__u32 turn = 0; turn < ABI_DNS_TURNS; turn++) {
		struct dns_pending *p;
		__s64 age;

		key->turn = turn;
		p = bpf_map_lookup_elem(&dns_pending, key);
		if (!p)
			continue;
		age = now - p->asked_ns;
		if (!dns_pending_take(c, key))
			continue;
		if (age <= (__s64)ABI_DNS_TIMEOUT_NS)
			return age > 0 ? age : 0;
		COUNT(*unanswered); /* timed out, and not yet deleted by the collector */
	}
	return -1;
}

/* Counts an answer, if its query is pending. `rcode`: enum abi_dns_rcode. Returns 0. */
__noinline int dns_answer(struct __sk_buff *skb, __u32 id, __u32 rcode, __u32 peer)
{
	struct dns_key key = {};
	struct proxy_counters *c = dns_key_set(skb, &key, DNS_ANSWERS, id, peer);
	struct dns_counters *d;
	__s64 age;

	if (!c)
		return 0;
	d = dns_of(c, &key);
	age = dns_pending_find(c, &key, &d->unanswered);
	if (age < 0 || rcode >= ABI_DNS_RCODE_MAX)
		return 0;
	/* Does not change the value. Before 6.3 the verifier forgets bounds of spilled values. */
	asm volatile("%0 &= 7" : "+r"(rcode));
	COUNT(ABI_AT(__u64, d->responses, rcode));
	histogram_observe(&d->duration, ABI_BOUNDS_LATENCY, age);
	return 0;
}

/* Counts a query that is too short for a DNS header as a loss. Returns 0. */
__noinline int dns_unreadable(struct __sk_buff *skb)
{
	count_loss(counters_of(dns_slot_of(skb)), ABI_LOSS_PARSE);
	return 0;
}
