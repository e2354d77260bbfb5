/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads IP headers and finds the transport header. All BPF programs use it, so that they agree on
 * what a packet is. It reads the header in place where it is linear (2 ns), else with
 * bpf_skb_load_bytes (18 ns).
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

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

/* frag_off of IPv4: RFC 791, section 3.1. */
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV4_MORE_FRAGMENTS 0x2000
/* Bytes 2 and 3 of an IPv6 fragment header: RFC 8200, section 4.5. */
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS 0x0001

#define IP_L2_MAX 0xff /* largest `l2`, the number of bytes before the IP header */
#define IPV6_EXTENSIONS_MAX 4
#define IPV6_EXTENSION_MIN 8

/*
 * Makes a value unknown to the verifier without changing it. `unknown`: any value that the verifier
 * does not know. Then all branches that lead here look alike, and the verifier checks the code
 * after it once. With destinations on, it processes 7,000 instructions of a tunnel's program
 * instead of 22,400.
 */
#ifdef __bpf__
#define VERIFIER_FORGET(value, unknown) \
	asm volatile("%0 ^= %1; %0 ^= %1" : "+r"(value) : "r"(unknown))
#else /* a test in user space */
#define VERIFIER_FORGET(value, unknown) (void)(value)
#endif

/* Above any offset from ip_read: an Ethernet header, an IPv6 header, four extension headers. */
#define IP_TRANSPORT_MAX 16384

/*
 * Result of ip_read. Addresses are as in the maps: 16 bytes in network order, IPv4 mapped; 0 if
 * they cannot be read.
 */
struct ip_packet {
	__u64 source[2];
	__u64 destination[2];
	__u32 protocol;	 /* IPPROTO_… named by the last header that was read; 0: none was */
	__u32 transport; /* offset of the transport header in the skb; 0: this packet has none */
	__u32 length;	 /* of transport header and data in bytes, as the IP header states it */
	__u32 more;	 /* not 0: the first of several fragments, so the data is incomplete */
};

enum ip_version { IP_NONE, IP_V4, IP_V6 };

static __always_inline __u64 ipv4_mapped(__be32 address)
{
	union {
		__u32 words[2];
		__u64 half;
	} low = { .words = { bpf_htonl(0xffff), address } };

	return low.half;
}

static __always_inline void address_map_ipv4(__u8 *to, __be32 from)
{
	*(__u64 *)to = 0;
	*(__u32 *)(to + 8) = bpf_htonl(0xffff);
	*(__u32 *)(to + 12) = from;
}

static __always_inline void address_copy(__u8 *to, const void *from)
{
	__builtin_memcpy(to, from, 16);
}

/*
 * Returns the length of a packet in bytes. A GSO skb above 64 KiB ("BIG TCP") states 0 and extends
 * to the end of the skb. In any other packet 0 is invalid, and the kernel drops the packet.
 */
static __always_inline __u32 ip_length(const struct __sk_buff *skb, __u32 offset, __u32 stated)
{
	return stated || !skb->gso_size ? stated : skb->len - offset;
}

static __always_inline void ipv4_read(struct __sk_buff *skb, __u32 l2, struct ip_packet *p)
{
	const struct iphdr *ip = (void *)(long)skb->data + l2;
	__u32 header, length, transport;
	struct iphdr copy;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end) {
		if (bpf_skb_load_bytes(skb, l2, &copy, sizeof(copy)))
			return;
		ip = &copy;
	}
	p->protocol = ip->protocol;
	p->source[1] = ipv4_mapped(ip->saddr);
	p->destination[1] = ipv4_mapped(ip->daddr);
	header = (ip->version_ihl & 15) * 4;
	transport = l2 + header;
	/*
	 * Separate `transport` from the comparison of `header` below. Where the length is known to
	 * be 0, verifiers up to Linux 6.1 follow a branch that cannot be taken. In it, an offset
	 * computed from `header` would be out of bounds.
	 */
	asm volatile("" : "+r"(transport));
	length = ip_length(skb, l2, bpf_ntohs(ip->tot_len));
	p->length = length < header ? 0 : length - header;
	p->more = ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS);
	if (header >= sizeof(*ip) && !(ip->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET)))
		p->transport = transport;
}

static __always_inline int ipv6_is_extension(__u32 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_FRAGMENT;
}

/* Skips IPv6 extension headers: RFC 8200, section 4. */
static __always_inline void ipv6_pass_extensions(struct __sk_buff *skb, struct ip_packet *p)
{
	__u32 offset = p->transport;

#pragma clang loop unroll(full)
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		__u8 extension[IPV6_EXTENSION_MIN];
		__u32 size = IPV6_EXTENSION_MIN, field = 0;

		if (!ipv6_is_extension(p->protocol))
			return;
		p->transport = 0;
		if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
			return;
		if (p->protocol == IPPROTO_FRAGMENT)
			field = extension[2] << 8 | extension[3];
		else
			size = (extension[1] + 1) * 8;
		p->protocol = extension[0];
		if (field & IPV6_FRAGMENT_OFFSET)
			return;
		p->more |= field & IPV6_MORE_FRAGMENTS;
		p->length = p->length < size ? 0 : p->length - size;
		offset += size;
		p->transport = offset;
	}
	if (ipv6_is_extension(p->protocol))
		p->transport = 0;
}

static __always_inline void ipv6_read(struct __sk_buff *skb, __u32 l2, struct ip_packet *p)
{
	const struct ipv6hdr *ip = (void *)(long)skb->data + l2;
	struct ipv6hdr copy;
	__u32 offset = l2 + sizeof(*ip);

	if ((void *)(ip + 1) > (void *)(long)skb->data_end) {
		if (bpf_skb_load_bytes(skb, l2, &copy, sizeof(copy)))
			return;
		ip = &copy;
	}
	p->protocol = ip->nexthdr;
	__builtin_memcpy(p->source, ip->saddr, sizeof(p->source));
	__builtin_memcpy(p->destination, ip->daddr, sizeof(p->destination));
	p->length = ip_length(skb, offset, bpf_ntohs(ip->payload_len));
	p->transport = offset;
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		ipv6_pass_extensions(skb, p);
}

/*
 * Reads the IP header at `l2` and IPv6 extension headers. Returns the IP version, or IP_NONE for
 * other packets. The caller zeroes `p`, which then holds what could be read. The rules:
 *
 * - A fragment other than the first has no transport header: its bytes are data. It has the
 *   protocol that its header names. A fragment that is both first and last ("atomic", RFC 6946) is
 *   a whole packet, as it is for the kernel.
 * - At most four extension headers are skipped: hop-by-hop, destination options, routing and
 *   fragment. A packet with more has no transport header, nor has a packet that ends within
 *   them. Its protocol is the number of the extension header that was not read.
 * - A packet with an IPv4 header length below 20 has no transport header.
 * - `length` is not compared with the length of the skb. The caller does that before it reads data.
 *
 * Inlined: arm64 kernels before 6.0 reject a program that has both subprograms and tail calls.
 */
static __always_inline enum ip_version ip_read(struct __sk_buff *skb, __u32 l2, struct ip_packet *p)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		ipv4_read(skb, l2, p);
		return IP_V4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		ipv6_read(skb, l2, p);
		return IP_V6;
	}
	return IP_NONE;
}

/* Loads both addresses of a packet that is known to be IP. Returns 0 or a negative number. */
static __always_inline long ip_addresses_load(struct __sk_buff *skb, __u32 l2, __u8 *source,
					      __u8 *destination)
{
	__be32 four[2];

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return bpf_skb_load_bytes(skb, l2 + 8, source, 16)
			       ?: bpf_skb_load_bytes(skb, l2 + 24, destination, 16);
	if (bpf_skb_load_bytes(skb, l2 + 12, four, sizeof(four)))
		return -1;
	address_map_ipv4(source, four[0]);
	address_map_ipv4(destination, four[1]);
	return 0;
}
