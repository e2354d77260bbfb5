// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs of the underlay: every interface of the network namespace except tunnels. SOCKS clients
 * and WireGuard messages pass here; nothing else should leave. These programs classify
 * packets and call the program that reads them. Bulk data and unrelated packets return at once. The
 * program of a disabled collector is absent: the tail call to it fails and the packet passes.
 *
 * On lo one program handles both directions at egress, which each packet passes once.
 *
 * No function here may be a subprogram: arm64 kernels before 6.0 reject a program that has both
 * subprograms and tail calls.
 */
#include "leak.h"
#include "maps.h"
#include "parse/transport.h"
#include "parse/wireguard.h"

/* Far above what a server sends in a dialogue, 26 bytes (RFC 1928, 1929: 2 + 2 + 22). */
#define DIALOGUE_ACKED_MAX 1024

/* Kernels before 5.18 accept only a four-byte load: the port in network order, then zeros. */
static __always_inline int is_to_dns(const struct bpf_sock *sk)
{
	return (__u16) * (const volatile __u32 *)(const void *)&sk->dst_port == bpf_htons(DNS_PORT);
}

/*
 * Whether the packet is sent by a local socket whose other end has acknowledged more bytes than any
 * dialogue has. DNS over TCP is never bulk: each query is read.
 */
static __always_inline int is_bulk(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tcp = sk ? bpf_tcp_sock(sk) : NULL;

	return tcp && tcp->bytes_acked > DIALOGUE_ACKED_MAX && !(dns_enabled && is_to_dns(sk));
}

/* Compares the length in the UDP header, which includes its own 8 bytes. */
static __always_inline int may_be_handshake(const struct __sk_buff *skb, const struct transport *t)
{
	return t->length == UDP_HEADER_SIZE + WIREGUARD_INITIATION_SIZE ||
	       t->length == UDP_HEADER_SIZE + WIREGUARD_RESPONSE_SIZE ||
	       skb->gso_size; /* a message may follow others in a merged skb */
}

static __always_inline __u16 local_port(const struct transport *t, enum abi_packet_program dialogue)
{
	return dialogue == ABI_PACKET_DIALOGUE_EGRESS ? t->source : t->destination;
}

/*
 * Whether a datagram to or from port 53 is WireGuard's: an endpoint may have that port. If the port
 * of the device is known, it decides. Otherwise the format decides: in a device's first second, for
 * a device that cannot be queried, and for a device that is not the proxy's.
 */
static __always_inline int is_wireguard(struct __sk_buff *skb, const struct transport *t,
					enum abi_packet_program dialogue)
{
	const struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));
	int tunnel = proxy ? tunnel_of_port(proxy, local_port(t, dialogue)) : TUNNEL_NONE;

	return tunnel_is_known(tunnel) ||
	       wireguard_has_form(skb, t->offset + UDP_HEADER_SIZE, t->length - UDP_HEADER_SIZE);
}

/*
 * Whether a segment to or from port 53 belongs to a SOCKS listener. Both a client and a listener
 * may have any port.
 */
static __always_inline int is_listener(const struct __sk_buff *skb, const struct transport *t,
				       enum abi_packet_program dialogue)
{
	const struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));

	return proxy && proxy_listens(proxy, local_port(t, dialogue));
}

/*
 * Whether a datagram of port 53 is read as DNS. On lo it is read only for the names of
 * destinations: a query that a local resolver forwards is counted where it leaves the namespace.
 */
static __always_inline int dns_is_read(struct __sk_buff *skb, const struct transport *t,
				       enum abi_packet_program dialogue)
{
	if (skb->ifindex == LOOPBACK_IFINDEX)
		return answers_enabled;
	return (dns_enabled || answers_enabled) && !is_wireguard(skb, t, dialogue);
}

static __always_inline int underlay_packet(struct __sk_buff *skb, enum abi_packet_program dialogue)
{
	struct transport t = {};

	if (!transport_read(skb, ABI_STUB_L2(skb->cb[4]), &t))
		return TC_ACT_UNSPEC;
	if (t.protocol == IPPROTO_UDP) {
		if (transport_is_dns(&t) && dns_is_read(skb, &t, dialogue))
			bpf_tail_call(skb, &packet_programs, ABI_PACKET_DNS_UDP);
		if (handshakes_enabled && may_be_handshake(skb, &t))
			bpf_tail_call(skb, &packet_programs, ABI_PACKET_HANDSHAKE);
		return TC_ACT_UNSPEC;
	}
	if (t.protocol != IPPROTO_TCP)
		return TC_ACT_UNSPEC;
	if (leaks_enabled &&
	    dialogue == ABI_PACKET_DIALOGUE_EGRESS && /* not lo, which runs the other program */
	    (t.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN)
		leak_connect(skb);
	if (dns_enabled && transport_is_dns(&t) && skb->ifindex != LOOPBACK_IFINDEX &&
	    !is_listener(skb, &t, dialogue))
		bpf_tail_call(skb, &packet_programs, ABI_PACKET_DNS_TCP);
	bpf_tail_call(skb, &packet_programs, dialogue);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int underlay_ingress(struct __sk_buff *skb)
{
	return underlay_packet(skb, ABI_PACKET_DIALOGUE_INGRESS);
}

SEC("tc")
int underlay_egress(struct __sk_buff *skb)
{
	if (is_bulk(skb))
		return TC_ACT_UNSPEC;
	return underlay_packet(skb, ABI_PACKET_DIALOGUE_EGRESS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
