// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every interface of the network namespace but the tunnel: where SOCKS clients come and go, where
 * WireGuard's own messages pass, and where nothing else should leave. These programs only tell
 * packets apart and call on: bulk data and other people's packets leave at once, and what a
 * collector that is off would read finds nobody.
 *
 * On `lo` both directions run at egress (each packet passes there once).
 *
 * No function here may be a subprogram: before 6.0 arm64 refuses a tail call from a program that
 * has any.
 */
#include "leak.h"
#include "maps.h"
#include "parse/transport.h"
#include "parse/wireguard.h"

/* Far above what a server says in a dialogue (RFC 1928: 2 + 2 + 22 bytes): beyond it there is only
 * data. */
#define DIALOGUE_ACKED_MAX 1024

/* A load of four bytes, which kernels before 5.18 want: the port in network order, and nothing in
 * the upper half. */
static __always_inline int is_to_dns(const struct bpf_sock *sk)
{
	return (__u16) * (const volatile __u32 *)(const void *)&sk->dst_port == bpf_htons(DNS_PORT);
}

/*
 * Our own socket sends it, and the client has acknowledged more than any dialogue holds. Queries
 * over TCP are read to the end.
 */
static __always_inline int is_bulk(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tcp = sk ? bpf_tcp_sock(sk) : NULL;

	return tcp && tcp->bytes_acked > DIALOGUE_ACKED_MAX && !(dns_enabled && is_to_dns(sk));
}

/* By the length that the UDP header states, its own 8 bytes included. */
static __always_inline int may_be_handshake(const struct __sk_buff *skb, const struct transport *t)
{
	return t->length == UDP_HEADER_SIZE + WIREGUARD_INITIATION_SIZE ||
	       t->length == UDP_HEADER_SIZE + WIREGUARD_RESPONSE_SIZE ||
	       skb->gso_size; /* behind others in a merged skb */
}

static __always_inline __u16 own_port(const struct transport *t, enum abi_packet_program dialogue)
{
	return dialogue == ABI_PACKET_DIALOGUE_EGRESS ? t->source : t->destination;
}

/*
 * WireGuard's own messages, whose endpoint may well have port 53: asked for that port alone. By the
 * device's port; where that is not known (in a device's first second, where nobody may ask it, and
 * of another device), by their form.
 */
static __always_inline int is_tunnels(struct __sk_buff *skb, const struct transport *t,
				      enum abi_packet_program dialogue)
{
	const struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));
	int place = proxy ? tunnel_of_port(proxy, own_port(t, dialogue)) : TUNNEL_NONE;

	return tunnel_is_known(place) ||
	       wireguard_has_form(skb, t->offset + UDP_HEADER_SIZE, t->length - UDP_HEADER_SIZE);
}

/* A client of ours may come from any port, and our listener may have any: asked for port 53 alone.
 */
static __always_inline int is_listeners(const struct __sk_buff *skb, const struct transport *t,
					enum abi_packet_program dialogue)
{
	const struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));

	return proxy && proxy_listens(proxy, own_port(t, dialogue));
}

/* On lo for the names alone: what a resolver there asks on is counted where it leaves. */
static __always_inline int dns_is_read(struct __sk_buff *skb, const struct transport *t,
				       enum abi_packet_program dialogue)
{
	if (skb->ifindex == LOOPBACK_IFINDEX)
		return answers_enabled;
	return (dns_enabled || answers_enabled) && !is_tunnels(skb, t, dialogue);
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
	    !is_listeners(skb, &t, dialogue))
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
