/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A TCP segment of the SOCKS listener, cut out of an skb. Direct packet access first (2 ns);
 * bpf_skb_load_bytes (18 ns) where the headers are not linear or IPv6 has extension headers.
 */
#ifndef WGSOCKS_BPF_PARSE_IP_H
#define WGSOCKS_BPF_PARSE_IP_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wgsocks/abi.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6 58
#define IPPROTO_DSTOPTS 60
#define IP_FRAGMENT_OFFSET 0x1fff
#define IP_MORE_FRAGMENTS 0x2000

#define TCP_FLAG_FIN 0x01
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
#define TCP_FLAG_ACK 0x10

#define LOOPBACK_IFINDEX 1 /* in each network namespace: include/net/flow.h */
#define DNS_PORT 53	   /* RFC 1035, section 4.2 */

/* WireGuard's protocol paper, sections 5.4.2 and 5.4.3: bytes of UDP payload. */
#define HANDSHAKE_INITIATION_SIZE 148
#define HANDSHAKE_RESPONSE_SIZE 92
/* And sections 5.4.6 and 5.4.7; of data those of length 0. */
#define COOKIE_REPLY_SIZE 64
#define DATA_MIN 32

#define TC_ACT_UNSPEC (-1) /* and TCX_NEXT: the packet goes on, whoever is next decides */

#define IPV6_EXTENSIONS_MAX 4

struct segment {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u32 sequence;
	__u32 payload;	      /* offset in the skb */
	__u32 payload_length; /* of the segment, or of all of a GSO skb */
	__u8 flags;
};

enum packet_result { PACKET_TCP, PACKET_OTHER, PACKET_SLOW };

static __always_inline void address_map_ipv4(__u8 *to, __be32 from)
{
	*(__u64 *)to = 0;
	*(__u32 *)(to + 8) = bpf_htonl(0xffff);
	*(__u32 *)(to + 12) = from;
}

static __always_inline void address_copy(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, 16);
}

/*
 * The TCP header at `tcp`; `length` is that of the IP payload as its header states it: where the
 * packet is shorter, the kernel drops it, and what was passed over would not be what the server
 * reads.
 */
static __always_inline enum packet_result segment_set_tcp(const struct __sk_buff *skb,
							  struct segment *s,
							  const struct tcphdr *tcp, __u32 offset,
							  __u32 length)
{
	__u32 header = (tcp->data_offset >> 4) * 4;

	if (header < sizeof(*tcp) || length < header || offset + length > skb->len)
		return PACKET_OTHER;
	s->source_port = bpf_ntohs(tcp->source);
	s->destination_port = bpf_ntohs(tcp->dest);
	s->sequence = bpf_ntohl(tcp->seq);
	s->flags = tcp->flags;
	s->payload = offset + header;
	s->payload_length = length - header;
	return PACKET_TCP;
}

/*
 * Length 0 in the header: a GSO skb above 64 KiB ("BIG TCP"); what is from `offset` on then is the
 * skb's. Else the kernel drops it.
 */
static __always_inline __u32 length_of(const struct __sk_buff *skb, __u32 offset, __u32 stated)
{
	return stated || !skb->gso_size ? stated : skb->len - offset;
}

/* Without extension headers and with linear headers: PACKET_SLOW when it is otherwise. */
static __always_inline enum packet_result packet_read_direct(const struct __sk_buff *skb, __u32 l2,
							     struct segment *s)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	void *network = data + l2;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = network;
		const struct tcphdr *tcp;
		__u32 header, total;

		if ((void *)(ip + 1) > end)
			return PACKET_SLOW;
		if (ip->protocol != IPPROTO_TCP ||
		    ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS))
			return PACKET_OTHER;
		header = (ip->version_ihl & 15) * 4;
		total = length_of(skb, l2, bpf_ntohs(ip->tot_len));
		if (header < sizeof(*ip))
			return PACKET_OTHER;
		/*
		 * Made before header is compared with total: where total is known to be 0,
		 * verifiers of 6.1 and before go on into what cannot be, with a header of 20 at
		 * least and 0 at most, and with that it would be no pointer.
		 */
		tcp = network + header;
		asm volatile("" : "+r"(tcp));
		if (total < header)
			return PACKET_OTHER;
		if ((void *)(tcp + 1) > end)
			return PACKET_SLOW;
		address_map_ipv4(s->source, ip->saddr);
		address_map_ipv4(s->destination, ip->daddr);
		return segment_set_tcp(skb, s, tcp, l2 + header, total - header);
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = network;
		const struct tcphdr *tcp = network + sizeof(*ip);

		if ((void *)(tcp + 1) > end || ip->nexthdr != IPPROTO_TCP)
			return PACKET_SLOW;
		address_copy(s->source, ip->saddr);
		address_copy(s->destination, ip->daddr);
		return segment_set_tcp(
			skb, s, tcp, l2 + sizeof(*ip),
			length_of(skb, l2 + sizeof(*ip), bpf_ntohs(ip->payload_len)));
	}
	return PACKET_OTHER;
}

/*
 * The rest. Fragments are passed over: TCP does not make them, and a dialogue in fragments would be
 * seen as lost by the segment that follows.
 */
static __noinline int packet_read_loaded(struct __sk_buff *skb, __u32 l2, struct segment *s)
{
	__u32 offset = l2, length;
	struct tcphdr tcp;

	if (!s)
		return PACKET_OTHER;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;
		__u32 header;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
			return PACKET_OTHER;
		header = (ip.version_ihl & 15) * 4;
		if (ip.protocol != IPPROTO_TCP || header < sizeof(ip) ||
		    ip.frag_off & bpf_htons(IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS))
			return PACKET_OTHER;
		length = length_of(skb, l2, bpf_ntohs(ip.tot_len));
		if (length < header)
			return PACKET_OTHER;
		offset += header;
		length -= header;
		address_map_ipv4(s->source, ip.saddr);
		address_map_ipv4(s->destination, ip.daddr);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;
		__u8 next;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
			return PACKET_OTHER;
		next = ip.nexthdr;
		offset += sizeof(ip);
		length = length_of(skb, offset, bpf_ntohs(ip.payload_len));
		for (int i = 0; i < IPV6_EXTENSIONS_MAX && next != IPPROTO_TCP; i++) {
			__u8 extension[2]; /* next header, length in 8 bytes beyond the first 8 (RFC
					      8200, section 4) */
			__u32 size;

			if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS &&
			    next != IPPROTO_ROUTING)
				return PACKET_OTHER;
			if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
				return PACKET_OTHER;
			size = (extension[1] + 1) * 8;
			if (length < size)
				return PACKET_OTHER;
			next = extension[0];
			offset += size;
			length -= size;
		}
		if (next != IPPROTO_TCP)
			return PACKET_OTHER;
		address_copy(s->source, ip.saddr);
		address_copy(s->destination, ip.daddr);
	} else {
		return PACKET_OTHER;
	}
	if (bpf_skb_load_bytes(skb, offset, &tcp, sizeof(tcp)))
		return PACKET_OTHER;
	return segment_set_tcp(skb, s, &tcp, offset, length);
}

static __always_inline enum packet_result packet_read(struct __sk_buff *skb, __u32 l2,
						      struct segment *s)
{
	enum packet_result result = packet_read_direct(skb, l2, s);

	return result == PACKET_SLOW ? packet_read_loaded(skb, l2, s) : result;
}

#endif
