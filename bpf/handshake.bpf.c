// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * WireGuard's handshake messages, called by the programs of underlay.bpf.c for UDP of their size.
 * On the wire and not from the device: the device tells of the last handshake that succeeded, here
 * is each that was tried.
 *
 * Whether a message is WireGuard's is told by its form. The port tells whose it is where there are
 * several tunnels, and on lo which way it goes; a device's is learned after its first message has
 * left, so what has no known port is that of a tunnel whose port is not known, if there is one.
 */
#include "count.h"
#include "maps.h"
#include "parse/transport.h"
#include "parse/wireguard.h"

#define SEGMENTS_MAX 128 /* in one skb: UDP_MAX_SEGMENTS of the kernel */

static __always_inline void duration_begin(struct handshake_key *key)
{
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&handshakes, key, &now, BPF_ANY);
}

static __always_inline void duration_end(struct handshake_key *key, struct handshake_counters *c)
{
	const __u64 *begun = bpf_map_lookup_elem(&handshakes, key);
	__u64 then;

	if (!begun)
		return;
	then = *begun;
	if (map_delete(&handshakes, key) == 0)
		histogram_observe(&c->duration, ABI_BOUNDS_LATENCY, bpf_ktime_get_ns() - then);
}

/* Not what another interface counted already, on the packet's way through both. */
static __always_inline int is_first_sight(struct __sk_buff *skb,
					  const struct handshake_seen_key *key)
{
	__u32 ifindex = skb->ifindex;
	const __u32 *first;

	if (map_insert(&handshakes_seen, key, &ifindex) != -EEXIST)
		return 1;
	first = bpf_map_lookup_elem(&handshakes_seen, key);
	return !first || *first == ifindex;
}

#define UNCLAIMED 0x7fu /* in a tunnel's place */

/* Of a port that may be a device's new one. */
static __always_inline struct handshake_counters *
unclaimed_counters(struct proxy_counters *c, __u32 slot, __u16 generation, __u16 port)
{
	struct unclaimed_key key = { .slot = slot, .generation = generation, .port = port };
	struct unclaimed_handshakes *u = bpf_map_lookup_elem(&handshakes_unclaimed, &key), new = {};

	if (!u) {
		new.begun_ns = bpf_ktime_get_ns();
		map_insert(&handshakes_unclaimed, &key, &new);
		u = bpf_map_lookup_elem(&handshakes_unclaimed, &key);
	}
	if (!u) {
		count_loss(c, ABI_LOSS_INSERT);
		return NULL;
	}
	return &u->counters;
}

/* `where`: the tunnel's place, in bit 8 whether we sent it, and from bit 16 on the local port. */
__noinline int handshake_count(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 where)
{
	__u32 slot = ABI_STUB_SLOT(skb->cb[4]), place = where & 0xff, sent = where >> 8 & 1;
	__u32 type = handshake_read(skb, offset, size);
	struct proxy_counters *c = counters_of(slot);
	struct proxy *proxy = proxy_of(slot);
	struct handshake_seen_key seen = {};
	struct handshake_key key = {};
	struct handshake_counters *h;

	if (!type || !c || !proxy || (place >= ABI_TUNNELS_MAX && place != UNCLAIMED))
		return 0;
	if (bpf_skb_load_bytes(skb, offset + WIREGUARD_SENDER, &seen.sender, sizeof(seen.sender)))
		return 0;
	if (type == WIREGUARD_RESPONSE && bpf_skb_load_bytes(skb, offset + WIREGUARD_RECEIVER,
							     &seen.receiver, sizeof(seen.receiver)))
		return 0;
	seen.slot = key.slot = slot;
	seen.generation = key.generation = proxy->generation;
	seen.type = type;
	seen.direction = sent ? ABI_HANDSHAKE_SENT : ABI_HANDSHAKE_RECEIVED;
	if (!is_first_sight(skb, &seen))
		return 0;
	h = place < ABI_TUNNELS_MAX ? &c->handshakes[place]
				    : unclaimed_counters(c, slot, key.generation, where >> 16);
	if (!h)
		return 0;
	if (type == WIREGUARD_INITIATION) {
		COUNT(ABI_AT(__u64, h->initiations,
			     sent ? ABI_HANDSHAKE_SENT : ABI_HANDSHAKE_RECEIVED));
		key.index = seen.sender;
		if (sent)
			duration_begin(&key);
	} else {
		COUNT(ABI_AT(__u64, h->responses,
			     sent ? ABI_HANDSHAKE_SENT : ABI_HANDSHAKE_RECEIVED));
		key.index = seen.receiver;
		if (!sent)
			duration_end(&key, h);
	}
	return 0;
}

/* Some of the datagrams of a merged skb: the verifier sees this once, and the loop over it is
 * short. */
#define SEGMENTS_ONCE 8

__noinline int handshakes_count(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 where)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < SEGMENTS_ONCE; i++, offset += size)
		handshake_count(skb, offset, size, where);
	return 0;
}

/*
 * Datagrams of one flow may come merged: all of one size but the last, which may be shorter. So a
 * handshake message is the last, or all of them have its size.
 */
static __always_inline void merged(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 where)
{
	__u32 rest = (skb->len - offset) % size;

	if (rest)
		handshake_count(skb, skb->len - rest, rest, where);
	if (size != WIREGUARD_INITIATION_SIZE && size != WIREGUARD_RESPONSE_SIZE)
		return;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SEGMENTS_MAX / SEGMENTS_ONCE; i++, offset += SEGMENTS_ONCE * size) {
		if (offset >= skb->len)
			return;
		handshakes_count(skb, offset, size, where);
	}
}

/* The place of the tunnel, with bit 8 for what we sent; or NOT_OURS. Global: a scalar, not all the
 * ways to it. */
#define NOT_OURS 0xffffffffu

__noinline __u32 handshake_where(struct __sk_buff *skb, __u32 source, __u32 destination)
{
	const struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));
	int sent = ABI_STUB_PROGRAM(skb->cb[4]) == ABI_PACKET_UNDERLAY_EGRESS, place;
	__u32 port;

	if (!proxy || (sent && skb->ingress_ifindex)) /* passes through: of somebody else */
		return NOT_OURS;
	if (skb->ifindex == LOOPBACK_IFINDEX) /* the device talks to a relay on this host */
		sent = tunnel_is_known(tunnel_of_port(proxy, source));
	port = (sent ? source : destination) & 0xffff;
	place = tunnel_of_port(proxy, port);
	if (skb->ifindex == LOOPBACK_IFINDEX && !tunnel_is_known(place))
		return NOT_OURS;
	return (place == TUNNEL_NONE ? UNCLAIMED : place & 0xff) | sent << 8 | port << 16;
}

SEC("tc")
int handshake(struct __sk_buff *skb)
{
	__u64 udp = udp_read(skb, ABI_STUB_L2(skb->cb[4]));
	__u32 where = udp ? handshake_where(skb, UDP_SOURCE(udp), UDP_DESTINATION(udp)) : NOT_OURS;

	if (where == NOT_OURS)
		return TC_ACT_UNSPEC;
	if (skb->gso_size)
		merged(skb, UDP_OFFSET(udp) + UDP_HEADER_SIZE, skb->gso_size, where);
	else
		handshake_count(skb, UDP_OFFSET(udp) + UDP_HEADER_SIZE,
				UDP_LENGTH(udp) - UDP_HEADER_SIZE, where);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
