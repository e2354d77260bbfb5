/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leaves beside the tunnel. */
#ifndef WGSOCKS_BPF_LEAK_H
#define WGSOCKS_BPF_LEAK_H

#include "count.h"
#include "maps.h"
#include "parse/ip.h"

/*
 * Whether --leak.allow names this destination (IPv4 mapped). A network of IPv6 that spans the
 * mapped addresses (::/0) does not mean those: IPv4 is allowed by its own networks. Inlined: see
 * underlay.bpf.c.
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
 * The upstream whose first SYN this is, marked with its way; NULL for any other packet: what is
 * sent again (the contract goes by the first), and what passes one interface after the other (a
 * VLAN, then what is below it). Not told by the number of retransmissions: a first SYN may wait for
 * its neighbour's address longer than that. The helper's pointer may be a key on every kernel,
 * skb->sk on some only.
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

/* A SYN at the egress of an interface that is neither the tunnel nor lo. */
static __always_inline void leak_connect(struct __sk_buff *skb)
{
	struct upstream *u = upstream_leaves(skb, UPSTREAM_WAY_UNDERLAY);
	struct proxy_counters *c = u ? counters_of(u->slot) : NULL;
	__u8 source[16], destination[16];

	if (c && !ip_addresses_load(skb, ABI_STUB_L2(skb->cb[4]), source, destination) &&
	    !leak_allowed(destination))
		COUNT(c->leaked_connections);
}

#endif
