/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts traffic that leaves outside the tunnel. */
#pragma once

#include "count.h"
#include "maps.h"
#include "parse/ip.h"

/*
 * Whether --leak.allow contains this destination (IPv4 mapped). An IPv6 network that spans the
 * mapped addresses (::/0) does not allow IPv4. Inlined for the reason that underlay.bpf.c gives.
 */
static __always_inline int leak_allowed(const __u8 *address)
{
	__u64 high, low;
	int is_ipv4;

	__builtin_memcpy(&high, address, sizeof(high));
	__builtin_memcpy(&low, address + 8, sizeof(low));
	is_ipv4 = !high && (__u32)low == bpf_htonl(0xffff);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < ABI_LEAK_ALLOW_MAX; i++) {
		if (i >= leak_allow_count)
			return 0;
		if (is_ipv4 && (__u32)leak_allow[i].mask[1] != 0xffffffff)
			continue;
		if (!(((high & leak_allow[i].mask[0]) ^ leak_allow[i].address[0]) |
		      ((low & leak_allow[i].mask[1]) ^ leak_allow[i].address[1])))
			return 1;
	}
	return 0;
}

/*
 * Finds the upstream connection whose first SYN this is, and marks it with the kind of the
 * interface. Returns NULL for any other packet, such as a retransmission, or a SYN that passes a
 * second interface (a VLAN, then the interface below it). The retransmission count does not
 * identify a first SYN, which may wait for its neighbour's address until after the first
 * retransmission. Every kernel accepts the pointer from the helper as a key; only some accept
 * skb->sk.
 */
static __always_inline struct upstream *upstream_leaves(struct __sk_buff *skb,
							enum upstream_way way)
{
	struct bpf_sock *sk = skb->sk;
	struct tcp_sock *tcp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
	struct upstream *u;
	__u64 id;

	if (!tcp)
		return NULL;
	id = (__u64)(long)tcp;
	u = bpf_map_lookup_elem(&upstreams, &id);
	if (!u || u->way)
		return NULL;
	u->way = way;
	return u;
}

/* Counts a leak, for a SYN at egress of an interface that is neither a tunnel nor lo. */
static __always_inline void leak_connect(struct __sk_buff *skb)
{
	struct upstream *u = upstream_leaves(skb, UPSTREAM_WAY_UNDERLAY);
	struct proxy_counters *c = u ? counters_of(u->slot) : NULL;
	__u8 source[16], destination[16];

	if (c && !ip_addresses_load(skb, ABI_STUB_L2(skb->cb[4]), source, destination) &&
	    !leak_allowed(destination))
		COUNT(c->leaked_connections);
}
