/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads TCP and UDP headers, which ip.h finds. */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ip.h"

#define TCP_FLAG_FIN 0x01
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
#define TCP_FLAG_ACK 0x10

#define DNS_PORT 53 /* RFC 1035, section 4.2 */

#define UDP_HEADER_SIZE 8
#define TCP_TO_FLAGS 14 /* bytes of a TCP header up to its flags */

/* ---- fields that classify packets ---- */

struct transport {
	__u32 protocol;		   /* IPPROTO_TCP or IPPROTO_UDP */
	__u32 offset;		   /* of its header in the skb */
	__u16 source, destination; /* ports, host order */
	__u16 length;		   /* UDP: as its header states it, its own 8 bytes included */
	__u8 tcp_flags;
};

/* Sets ports and, for UDP, the length. Both headers begin with the ports. */
static __always_inline void transport_set(struct transport *t, const __u8 *header)
{
	t->source = header[0] << 8 | header[1];
	t->destination = header[2] << 8 | header[3];
	t->length = header[4] << 8 | header[5];
}

/*
 * Reads the TCP or UDP header that ip_read found at `offset`. Returns whether the packet has the
 * header.
 */
static __always_inline int transport_load(struct __sk_buff *skb, __u32 protocol, __u32 offset,
					  struct transport *t)
{
	const __u8 *header = (void *)(long)skb->data + offset;
	__u8 loaded[TCP_TO_FLAGS];

	if (!offset || offset > IP_TRANSPORT_MAX)
		return 0;
	t->protocol = protocol;
	t->offset = offset;
	if ((void *)(header + TCP_TO_FLAGS) <= (void *)(long)skb->data_end) {
		transport_set(t, header);
		t->tcp_flags = header[13];
		return 1;
	}
	if (protocol == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, offset, loaded, UDP_HEADER_SIZE))
			return 0;
		transport_set(t, loaded);
		return 1;
	}
	if (bpf_skb_load_bytes(skb, offset, loaded, TCP_TO_FLAGS))
		return 0;
	transport_set(t, loaded);
	t->tcp_flags = loaded[13];
	return 1;
}

/* Reads the TCP or UDP header of a packet. Returns whether it has one. */
static __always_inline int transport_read(struct __sk_buff *skb, __u32 l2, struct transport *t)
{
	struct ip_packet ip = {};

	if (!ip_read(skb, l2, &ip) || (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP))
		return 0;
	return transport_load(skb, ip.protocol, ip.transport, t);
}

/*
 * The fields of a UDP header and its offset in the skb, packed into one scalar; 0: no UDP header.
 * udp_read is a global function: the verifier checks the code after it once, with unknown values.
 */
#define UDP_PACK(t)                                                                      \
	((__u64)(t)->source | (__u64)(t)->destination << 16 | (__u64)(t)->length << 32 | \
	 (__u64)(t)->offset << 48)
#define UDP_SOURCE(u) ((__u32)(u)&0xffff)
#define UDP_DESTINATION(u) ((__u32)((u) >> 16) & 0xffff)
#define UDP_LENGTH(u) ((__u32)((u) >> 32) & 0xffff)
#define UDP_OFFSET(u) ((__u32)((u) >> 48))

__weak __noinline __u64 udp_read(struct __sk_buff *skb, __u32 l2)
{
	struct transport t = {};

	/* The mask does not change the value: it gives the verifier the bound of `l2`. */
	if (!transport_read(skb, l2 & IP_L2_MAX, &t) || t.protocol != IPPROTO_UDP)
		return 0;
	return UDP_PACK(&t);
}

static __always_inline int transport_is_dns(const struct transport *t)
{
	return t->source == DNS_PORT || t->destination == DNS_PORT;
}

/* ---- TCP segments, for programs that read their data ---- */

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

enum segment_result {
	SEGMENT_NONE,	  /* not TCP, or a packet that the kernel drops */
	SEGMENT_WHOLE,	  /* all data is in the packet */
	SEGMENT_FRAGMENT, /* the first of several IP fragments: the data is incomplete */
};

static __always_inline enum segment_result segment_set(const struct __sk_buff *skb,
						       struct segment *s, const struct tcphdr *tcp,
						       const struct ip_packet *ip)
{
	__u32 header = (tcp->data_offset >> 4) * 4;

	if (header < sizeof(*tcp) || ip->length < header || ip->transport + ip->length > skb->len)
		return SEGMENT_NONE;
	address_copy(s->source, ip->source);
	address_copy(s->destination, ip->destination);
	s->source_port = bpf_ntohs(tcp->source);
	s->destination_port = bpf_ntohs(tcp->dest);
	s->sequence = bpf_ntohl(tcp->seq);
	s->flags = tcp->flags;
	s->payload = ip->transport + header;
	s->payload_length = ip->length - header;
	return ip->more ? SEGMENT_FRAGMENT : SEGMENT_WHOLE;
}

/*
 * Reads a TCP segment by the lengths that the IP header states. Returns SEGMENT_NONE for a packet
 * that is shorter: the kernel drops it, so the server never reads its data.
 */
static __always_inline enum segment_result segment_read(struct __sk_buff *skb, __u32 l2,
							struct segment *s)
{
	struct ip_packet ip = {};
	const struct tcphdr *tcp;
	struct tcphdr copy;

	if (!ip_read(skb, l2, &ip) || ip.protocol != IPPROTO_TCP)
		return SEGMENT_NONE;
	VERIFIER_FORGET(ip.transport, skb->len);
	VERIFIER_FORGET(ip.length, skb->len);
	if (!ip.transport || ip.transport > IP_TRANSPORT_MAX)
		return SEGMENT_NONE;
	tcp = (void *)(long)skb->data + ip.transport;
	if ((void *)(tcp + 1) > (void *)(long)skb->data_end) {
		if (bpf_skb_load_bytes(skb, ip.transport, &copy, sizeof(copy)))
			return SEGMENT_NONE;
		tcp = &copy;
	}
	return segment_set(skb, s, tcp, &ip);
}
