// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs of the tunnel interface, one for each direction. They count inner bytes and packets. The
 * counters of the link cannot be used: they vanish with the interface, do not distinguish
 * protocols, and with kernel WireGuard include its headers.
 *
 * No function here may be a subprogram: arm64 kernels before 6.0 reject a program that has both
 * subprograms and tail calls.
 */
#include "destination.h"
#include "leak.h"
#include "maps.h"
#include "parse/ip.h"
#include "parse/transport.h"

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
 * Sets packets and bytes of a GSO skb, as on the wire: each segment repeats the headers. gso_segs
 * is 0 at ingress, so gso_size gives the number of segments. Leaves `sum` unchanged where the
 * headers cannot be read. Returns 0.
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
		headers = transport - l3 + UDP_HEADER_SIZE;
	}
	if (length <= headers || !size)
		return 0;
	payload = length - headers;
	sum->packets = (payload + size - 1) / size;
	sum->bytes = length + (sum->packets - 1) * headers;
	return 0;
}

/*
 * Passes the packet to the programs for its ports and flags. Must be the last step: a tail call
 * does not return.
 */
static __always_inline void transport_packet(struct __sk_buff *skb, __u32 protocol, __u32 offset,
					     __u32 slot, enum abi_direction direction)
{
	struct transport t = {};

	if (!transport_load(skb, protocol, offset, &t))
		return;
	/*
	 * An upstream connection whose first SYN leaves by the tunnel does not leak. Its later SYNs
	 * are not checked.
	 */
	if (leaks_enabled && direction == ABI_TRANSMIT && protocol == IPPROTO_TCP &&
	    (t.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN)
		upstream_leaves(skb, UPSTREAM_WAY_TUNNEL);
	if (answers_enabled && protocol == IPPROTO_UDP)
		answer_copy(skb, UDP_PACK(&t), slot, direction);
	if (dns_counted && transport_is_dns(&t))
		bpf_tail_call(skb, &packet_programs,
			      protocol == IPPROTO_UDP ? ABI_PACKET_DNS_UDP : ABI_PACKET_DNS_TCP);
}

static __always_inline int tunnel_packet(struct __sk_buff *skb, enum abi_direction direction)
{
	__u32 index = ABI_STUB_SLOT(skb->cb[4]), l2 = ABI_STUB_L2(skb->cb[4]);
	struct tunnel_counters *c = bpf_map_lookup_elem(&tunnels, &index);
	struct ip_packet ip = {};
	enum ip_version version;
	struct traffic sum, *t;
	__u64 now, high, low;

	if (!c)
		return TC_ACT_UNSPEC;
	version = ip_read(skb, l2, &ip);
	if (version == IP_NONE) /* WireGuard carries IP only */
		return TC_ACT_UNSPEC;
	high = direction == ABI_RECEIVE ? ip.source[0] : ip.destination[0];
	low = direction == ABI_RECEIVE ? ip.source[1] : ip.destination[1];

	sum.packets = 1;
	sum.bytes = skb->len - l2;
	if (skb->gso_size && ip.transport)
		segments_count(skb, l2, ip.transport, ip.protocol, &sum);
	t = &ABI_TRAFFIC(c, direction, version == IP_V4 ? ABI_FAMILY_IPV4 : ABI_FAMILY_IPV6,
			 protocol_of(ip.protocol));
	t->packets += sum.packets;
	t->bytes += sum.bytes;
	now = bpf_jiffies64();
	ABI_AT(__u64, c->last_jiffies, direction) = now;
	VERIFIER_FORGET(ip.protocol, now);
	VERIFIER_FORGET(ip.transport, now);
	VERIFIER_FORGET(high, now);
	VERIFIER_FORGET(low, now);
	/*
	 * With destinations off, bytes count as `other`: the sum is right if they are enabled
	 * later.
	 */
	if (!destinations_enabled ||
	    !destination_count(index / ABI_TUNNELS_MAX, high, low, direction, sum.bytes))
		ABI_AT(__u64, c->other, direction) += sum.bytes;
	if ((leaks_enabled || answers_enabled || dns_counted) &&
	    (ip.protocol == IPPROTO_TCP || ip.protocol == IPPROTO_UDP))
		transport_packet(skb, ip.protocol, ip.transport, index / ABI_TUNNELS_MAX,
				 direction);
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
