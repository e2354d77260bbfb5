/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * DNS messages over UDP, copied for user space, which reads the names of destinations there. Rare beside what is then
 * fetched from these.
 */
#ifndef WGSOCKS_BPF_ANSWER_H
#define WGSOCKS_BPF_ANSWER_H

#include "maps.h"
#include "parse/ip.h"

#define UDP_HEADER 8

static __always_inline int answer_copy(struct __sk_buff *skb, __u32 offset, __u32 slot, __u32 direction)
{
	__u32 l2 = ABI_STUB_L2(skb->cb[4]), length = skb->len - offset - UDP_HEADER;
	struct answer *a;
	__u32 more;
	__u16 ports[2];

	if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)) ||
	    ports[direction == ABI_RECEIVE ? 0 : 1] != bpf_htons(DNS_PORT) || skb->len < offset + UDP_HEADER)
		return 0;
	a = bpf_ringbuf_reserve(&answers, sizeof(*a), 0);
	if (!a) {
		count_loss(counters_of(slot), ABI_LOSS_RESERVE);
		return 0;
	}
	if (length > ABI_ANSWER_MAX)
		length = ABI_ANSWER_MAX;
	a->slot = slot;
	a->direction = direction;
	a->port = bpf_ntohs(ports[direction == ABI_RECEIVE ? 1 : 0]);
	a->length = length;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__u32 address = 0;

		bpf_skb_load_bytes(skb, l2 + (direction == ABI_RECEIVE ? 12 : 16), &address, sizeof(address));
		address_map_ipv4(a->peer, address);
	} else {
		bpf_skb_load_bytes(skb, l2 + (direction == ABI_RECEIVE ? 8 : 24), a->peer, sizeof(a->peer));
	}
	/* From 0, where clang may not undo it: verifiers of 6.1 and before learn no lower bound from a look at 0. */
	more = length - 1;
	asm volatile("" : "+r"(more));
	if (more >= ABI_ANSWER_MAX || bpf_skb_load_bytes(skb, offset + UDP_HEADER, a->message, more + 1)) {
		bpf_ringbuf_discard(a, 0);
		return 0;
	}
	bpf_ringbuf_submit(a, 0);
	return 0;
}

#endif
