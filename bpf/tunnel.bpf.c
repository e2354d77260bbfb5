// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tunnel interface, both directions: inner bytes and packets as they travel in the tunnel.
 * Not from the link's own counters: these are gone with the interface, know no protocol, and for
 * kernel WireGuard hold its headers.
 *
 * No function here may be a subprogram: before 6.0 arm64 refuses a tail call from a program that
 * has any.
 */
#include "destination.h"
#include "leak.h"
#include "maps.h"
#include "parse/ip.h"

/* Behind IPv6 extension headers: the protocol, and where its header begins. */
#define TRANSPORT(protocol, offset) ((protocol) | (offset) << 8)
#define TRANSPORT_PROTOCOL(t) ((t)&0xff)
#define TRANSPORT_OFFSET(t) ((t) >> 8)
#define TRANSPORT_OFFSET_MAX 16384 /* above what extension headers can take */

static __always_inline __u32 ipv6_transport(struct __sk_buff *skb, __u32 offset, __u32 next)
{
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		__u8 extension[2];

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
			break;
		offset += next == IPPROTO_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		next = extension[0];
	}
	return TRANSPORT(next, offset);
}

static __always_inline enum abi_protocol protocol_of(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP: return ABI_PROTOCOL_TCP;
	case IPPROTO_UDP: return ABI_PROTOCOL_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: return ABI_PROTOCOL_ICMP;
	}
	return ABI_PROTOCOL_OTHER;
}

/*
 * The headers that each segment of a GSO skb repeats. gso_segs is 0 at ingress, so the number of
 * segments comes from gso_size.
 */
static __always_inline int segments_count(struct __sk_buff *skb, __u32 l3, __u32 transport,
					  __u32 protocol, struct traffic *sum)
{
	__u32 headers, payload, size = skb->gso_size, length = skb->len - l3;

	if (!sum)
		return 0;
	if (protocol == IPPROTO_TCP) {
		__u8 words;

		if (bpf_skb_load_bytes(skb, transport + 12, &words, 1))
			return 0;
		headers = transport - l3 + (words >> 4) * 4;
	} else {
		headers = transport - l3 + 8; /* UDP */
	}
	if (length <= headers || !size)
		return 0;
	payload = length - headers;
	sum->packets = (payload + size - 1) / size;
	sum->bytes = length + (sum->packets - 1) * headers;
	return 0;
}

/* The last that a packet does here. `transport` is where its header begins, if it has one. */
static __always_inline void dns_call(struct __sk_buff *skb, __u32 protocol, __u32 transport)
{
	const __be16 *ports = (void *)(long)skb->data + transport;
	__be16 copy[2];

	if (transport > TRANSPORT_OFFSET_MAX)
		return;
	if ((void *)(ports + 2) > (void *)(long)skb->data_end) {
		if (bpf_skb_load_bytes(skb, transport, copy, sizeof(copy)))
			return;
		ports = copy;
	}
	if (ports[0] != bpf_htons(DNS_PORT) && ports[1] != bpf_htons(DNS_PORT))
		return;
	bpf_tail_call(skb, &packet_programs,
		      protocol == IPPROTO_UDP ? ABI_PACKET_DNS_UDP : ABI_PACKET_DNS_TCP);
}

/* The first SYN of an upstream that leaves here leaks nowhere, wherever it is sent again. */
static __always_inline void syn_note(struct __sk_buff *skb, __u32 transport)
{
	const __u8 *tcp = (void *)(long)skb->data + transport;
	__u8 flags;

	if (transport > TRANSPORT_OFFSET_MAX)
		return;
	if ((void *)(tcp + 14) <= (void *)(long)skb->data_end)
		flags = tcp[13];
	else if (bpf_skb_load_bytes(skb, transport + 13, &flags, 1))
		return;
	if ((flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN)
		upstream_leaves(skb, UPSTREAM_WAY_TUNNEL);
}

/*
 * The value is the same, but the verifier, which does not know `unknown`, no longer knows it
 * either: the ways that lead here are then one, and what follows is verified once (with
 * destinations on 7,000 instructions instead of 22,400).
 */
#define FORGET(value, unknown) asm volatile("%0 ^= %1; %0 ^= %1" : "+r"(value) : "r"(unknown))

static __always_inline int tunnel_packet(struct __sk_buff *skb, enum abi_direction direction)
{
	__u32 index = ABI_STUB_SLOT(skb->cb[4]), l2 = ABI_STUB_L2(skb->cb[4]);
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tunnel_counters *c = bpf_map_lookup_elem(&tunnels, &index);
	__u32 transport = l2, protocol = IPPROTO_HOPOPTS;
	struct traffic sum, *t;
	enum abi_family family;
	struct peer peer = {};
	__u64 now;

	if (!c)
		return TC_ACT_UNSPEC;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__u8 header[sizeof(struct iphdr)] __attribute__((aligned(8)));
		const struct iphdr *ip = data + l2;

		family = ABI_FAMILY_IPV4;
		if ((void *)(ip + 1) > end) {
			if (!bpf_skb_load_bytes(skb, l2, header, sizeof(header))) {
				protocol = ((struct iphdr *)header)->protocol;
				transport += (header[0] & 15) * 4;
				peer_ipv4(&peer, (struct iphdr *)header, direction);
			}
		} else {
			protocol = ip->protocol;
			transport += (ip->version_ihl & 15) * 4;
			peer_ipv4(&peer, ip, direction);
		}
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		__u8 header[sizeof(struct ipv6hdr)] __attribute__((aligned(8)));
		const struct ipv6hdr *ip = data + l2;

		family = ABI_FAMILY_IPV6;
		transport += sizeof(*ip);
		if ((void *)(ip + 1) > end) {
			if (!bpf_skb_load_bytes(skb, l2, header, sizeof(header))) {
				protocol = ((struct ipv6hdr *)header)->nexthdr;
				peer_ipv6(&peer, (struct ipv6hdr *)header, direction);
			}
		} else {
			protocol = ip->nexthdr;
			peer_ipv6(&peer, ip, direction);
		}
		if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP &&
		    protocol != IPPROTO_ICMPV6) {
			__u32 found = ipv6_transport(skb, transport, protocol);

			protocol = TRANSPORT_PROTOCOL(found);
			transport = TRANSPORT_OFFSET(found);
		}
	} else {
		return TC_ACT_UNSPEC; /* WireGuard carries IP only */
	}

	sum.packets = 1;
	sum.bytes = skb->len - l2;
	if (skb->gso_size)
		segments_count(skb, l2, transport, protocol, &sum);
	t = &ABI_TRAFFIC(c, direction, family, protocol_of(protocol));
	t->packets += sum.packets;
	t->bytes += sum.bytes;
	now = bpf_jiffies64();
	ABI_AT(__u64, c->last_jiffies, direction) = now;
	FORGET(protocol, now);
	FORGET(transport, now);
	FORGET(peer.high, now);
	FORGET(peer.low, now);
	/* Counted as others' while destinations are off too: whenever they are switched on, the sum
	 * is right. */
	if (!destinations_enabled ||
	    !destination_count(index / ABI_TUNNELS_MAX, peer.high, peer.low, direction, sum.bytes))
		ABI_AT(__u64, c->other, direction) += sum.bytes;
	if (leaks_enabled && direction == ABI_TRANSMIT && protocol == IPPROTO_TCP)
		syn_note(skb, transport);
	if (answers_enabled && protocol == IPPROTO_UDP)
		answer_copy(skb, transport, index / ABI_TUNNELS_MAX, direction);
	if (dns_counted && (protocol == IPPROTO_UDP || protocol == IPPROTO_TCP))
		dns_call(skb, protocol, transport);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tunnel_receive(struct __sk_buff *skb)
{
	return tunnel_packet(skb, ABI_RECEIVE);
}

SEC("tc")
int tunnel_transmit(struct __sk_buff *skb)
{
	return tunnel_packet(skb, ABI_TRANSMIT);
}

char _license[] SEC("license") = "Dual BSD/GPL";
