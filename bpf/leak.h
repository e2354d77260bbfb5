/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leaves beside the tunnel. */
#ifndef WGSOCKS_BPF_LEAK_H
#define WGSOCKS_BPF_LEAK_H

#include "count.h"
#include "maps.h"
#include "parse/transport.h"

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

/* Where the packet goes: what --leak.allow is compared with. */
static __always_inline int leak_destination(struct __sk_buff *skb, const struct transport *t,
					    __u8 *address)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__be32 to;

		if (bpf_skb_load_bytes(skb, t->network + 16, &to, sizeof(to)))
			return -1;
		address_map_ipv4(address, to);
		return 0;
	}
	return bpf_skb_load_bytes(skb, t->network + 24, address, 16);
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
static __always_inline void leak_connect(struct __sk_buff *skb, const struct transport *t)
{
	struct upstream *u = upstream_leaves(skb, UPSTREAM_WAY_UNDERLAY);
	struct proxy_counters *c = u ? counters_of(u->slot) : NULL;
	__u8 address[16];

	if (c && !leak_destination(skb, t, address) && !leak_allowed(address))
		COUNT(c->leaked_connections);
}

#endif
