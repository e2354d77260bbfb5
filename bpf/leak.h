/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leaves beside the tunnel. */
#ifndef WGSOCKS_BPF_LEAK_H
#define WGSOCKS_BPF_LEAK_H

#include "maps.h"
#include "transport.h"

/*
 * Whether --leak.allow names this destination (IPv4 mapped). A network of IPv6 that spans the mapped addresses (::/0)
 * does not mean those: IPv4 is allowed by its own networks. Inlined: see underlay.bpf.c.
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
static __always_inline int leak_destination(struct __sk_buff *skb, const struct transport *t, __u8 *address)
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
 * A SYN at the egress of an interface that is neither the tunnel nor lo. It is a leak when the SOCKS server connects
 * with it (the socket program has its socket, whatever the packet's addresses say), when it is the first one of that
 * socket (the contract: a connect that began in the tunnel is none, where its second SYN leaves is another matter), and
 * once, though it may pass an interface that stands on another one.
 */
static __always_inline void leak_connect(struct __sk_buff *skb, const struct transport *t)
{
	struct bpf_sock *sk = skb->sk;
	struct proxy_counters *c;
	struct bpf_tcp_sock *tcp;
	struct upstream *u;
	__u8 address[16];
	__u64 id;

	if (!sk || skb->ifindex == LOOPBACK_IFINDEX)
		return;
	tcp = bpf_tcp_sock(sk);
	if (!tcp || tcp->total_retrans)
		return;
	id = (__u64)(long)sk;
	u = bpf_map_lookup_elem(&upstreams, &id);
	if (!u || u->leaked || u->slot != ABI_STUB_SLOT(skb->cb[4]))
		return;
	c = counters_of(u->slot);
	if (!c || leak_destination(skb, t, address) || leak_allowed(address))
		return;
	u->leaked = 1; /* a socket's packets leave one after another */
	COUNT(c->leaked_connections);
}

#endif
