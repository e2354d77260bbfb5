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

/* A SYN at the egress of an interface that is neither the tunnel nor lo. */
static __always_inline void leak_connect(struct __sk_buff *skb, const struct transport *t)
{
}

#endif
