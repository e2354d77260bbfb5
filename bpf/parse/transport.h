/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the transport header of a packet says, as far as packets are told apart by it. Inlined: see
 * underlay.bpf.c. */
#ifndef WGSOCKS_BPF_PARSE_TRANSPORT_H
#define WGSOCKS_BPF_PARSE_TRANSPORT_H

#include "ip.h"

struct transport {
	__u32 protocol;		   /* IPPROTO_… */
	__u32 offset;		   /* of its header in the skb */
	__u32 network;		   /* and of the IP header */
	__u16 source, destination; /* ports, host order */
	__u16 length;		   /* UDP: as its header states it, its own 8 bytes included */
	__u8 tcp_flags;
};

/* Sequence of next header and length: RFC 8200, section 4. */
static __always_inline int transport_behind_extensions(struct __sk_buff *skb, __u32 *next,
						       __u32 *offset)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		__u8 extension[8];

		if (*next != IPPROTO_HOPOPTS && *next != IPPROTO_DSTOPTS &&
		    *next != IPPROTO_ROUTING && *next != IPPROTO_FRAGMENT)
			return 1;
		if (bpf_skb_load_bytes(skb, *offset, extension, sizeof(extension)))
			return 0;
		if (*next == IPPROTO_FRAGMENT &&
		    (extension[2] || extension[3] & 0xf8)) /* not the first one */
			return 0;
		*offset += *next == IPPROTO_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		*next = extension[0];
	}
	return *next == IPPROTO_TCP || *next == IPPROTO_UDP;
}

/* Both headers begin with the ports; UDP's length and TCP's flags lie within the first 14 bytes. */
static __always_inline void transport_set(struct transport *t, const __u8 *header)
{
	t->source = header[0] << 8 | header[1];
	t->destination = header[2] << 8 | header[3];
	t->length = header[4] << 8 | header[5];
}

/* Reads TCP and UDP headers; a fragment but the first has none. Returns whether there is one. */
static __always_inline int transport_read(struct __sk_buff *skb, __u32 l2, struct transport *t)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	const __u8 *ports;
	__u8 loaded[14];

	t->network = l2;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr copy;
		const struct iphdr *ip = data + l2;

		if ((void *)(ip + 1) > end) {
			if (bpf_skb_load_bytes(skb, l2, &copy, sizeof(copy)))
				return 0;
			ip = &copy;
		}
		if (ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
			return 0;
		t->protocol = ip->protocol;
		t->offset = l2 + (ip->version_ihl & 15) * 4;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr copy;
		const struct ipv6hdr *ip = data + l2;

		if ((void *)(ip + 1) > end) {
			if (bpf_skb_load_bytes(skb, l2, &copy, sizeof(copy)))
				return 0;
			ip = &copy;
		}
		t->protocol = ip->nexthdr;
		t->offset = l2 + sizeof(*ip);
		if (t->protocol != IPPROTO_TCP && t->protocol != IPPROTO_UDP &&
		    !transport_behind_extensions(skb, &t->protocol, &t->offset))
			return 0;
	} else {
		return 0;
	}
	if (t->protocol != IPPROTO_TCP && t->protocol != IPPROTO_UDP)
		return 0;
	ports = data + t->offset;
	if ((void *)(ports + 14) <= end) {
		transport_set(t, ports);
		t->tcp_flags = ports[13];
		return 1;
	}
	if (t->protocol == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, t->offset, loaded, 8))
			return 0;
		transport_set(t, loaded);
		return 1;
	}
	if (bpf_skb_load_bytes(skb, t->offset, loaded, 14))
		return 0;
	transport_set(t, loaded);
	t->tcp_flags = loaded[13];
	return 1;
}

static __always_inline int transport_is_dns(const struct transport *t)
{
	return t->source == DNS_PORT || t->destination == DNS_PORT;
}

#endif
