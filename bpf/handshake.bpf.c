// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program that counts WireGuard handshake messages. The programs of underlay.bpf.c call it for
 * UDP datagrams of their size. It reads the wire, since the WireGuard device reports only the last
 * successful handshake; the wire shows each attempt.
 *
 * The format identifies a WireGuard message (parse/wireguard.h). The port identifies its tunnel
 * and, on lo, its direction. The collector learns the port of a device after the device has sent
 * its first message. Therefore a message with an unknown port belongs to a tunnel whose port is
 * unknown, if there is such a tunnel.
 */
#include "count.h"
#include "maps.h"
#include "parse/transport.h"
#include "parse/wireguard.h"

#define DATAGRAMS_MAX 128 /* in one skb: UDP_MAX_SEGMENTS of the kernel */

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

/*
 * Whether no other interface has counted the message. A message that leaves by a VLAN or a bridge
 * passes the interface below it too.
 */
static __always_inline int is_seen_first(struct __sk_buff *skb,
					 const struct handshake_seen_key *key)
{
	__u32 ifindex = skb->ifindex;
	const __u32 *first;

	if (map_insert(&handshakes_seen, key, &ifindex) != -EEXIST)
		return 1;
	first = bpf_map_lookup_elem(&handshakes_seen, key);
	return !first || *first == ifindex;
}

#define TUNNEL_UNCLAIMED 0x7fu /* not an index: no known device has the port */

/*
 * Returns the counters of a port that may be the new port of a device. If the map is full, counts a
 * loss and returns NULL.
 */
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

/*
 * Counts one datagram of `size` bytes at `offset`. `route`: see handshake_route. Returns 0; a
 * datagram that is not a handshake message is not counted.
 */
__noinline int handshake_count(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 route)
{
	__u32 slot = ABI_STUB_SLOT(skb->cb[4]), tunnel_index = route & 0xff, sent = route >> 8 & 1;
	__u32 type = handshake_read(skb, offset, size);
	struct proxy_counters *c = counters_of(slot);
	struct proxy *proxy = proxy_of(slot);
	struct handshake_seen_key seen = {};
	struct handshake_key key = {};
	struct handshake_counters *h;

	if (!type || !c || !proxy ||
	    (tunnel_index >= ABI_TUNNELS_MAX && tunnel_index != TUNNEL_UNCLAIMED))
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
	if (!is_seen_first(skb, &seen))
		return 0;
	h = tunnel_index < ABI_TUNNELS_MAX
		    ? &c->handshakes[tunnel_index]
		    : unclaimed_counters(c, slot, key.generation, route >> 16);
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

/*
 * Counts DATAGRAMS_PER_CALL datagrams of a merged skb. A separate function: the verifier checks
 * this loop once, and the loop around it is short.
 */
#define DATAGRAMS_PER_CALL 8

__noinline int handshakes_count(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 route)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < DATAGRAMS_PER_CALL; i++, offset += size)
		handshake_count(skb, offset, size, route);
	return 0;
}

/*
 * A merged skb holds datagrams of one flow. All have the same size, except that the last may be
 * shorter. So either only the last can be a handshake message, or all datagrams have its size.
 */
static __always_inline void merged_count(struct __sk_buff *skb, __u32 offset, __u32 size,
					 __u32 route)
{
	__u32 rest = (skb->len - offset) % size;

	if (rest)
		handshake_count(skb, skb->len - rest, rest, route);
	if (size != WIREGUARD_INITIATION_SIZE && size != WIREGUARD_RESPONSE_SIZE)
		return;
#pragma clang loop unroll(disable)
	for (int i = 0; i < DATAGRAMS_MAX / DATAGRAMS_PER_CALL;
	     i++, offset += DATAGRAMS_PER_CALL * size) {
		if (offset >= skb->len)
			return;
		handshakes_count(skb, offset, size, route);
	}
}

/*
 * Returns the tunnel index in bits 0 to 7 and the local port from bit 16 on. Bit 8 is 1 if the
 * proxy sent the message. Returns ROUTE_NONE for a message that is not the proxy's. A global
 * function: to the verifier its result is one unknown scalar.
 */
#define ROUTE_NONE 0xffffffffu

__noinline __u32 handshake_route(struct __sk_buff *skb, __u32 source, __u32 destination)
{
	const struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));
	int sent = ABI_STUB_PROGRAM(skb->cb[4]) == ABI_PACKET_UNDERLAY_EGRESS, tunnel_index;
	__u32 port;

	if (!proxy || (sent && skb->ingress_ifindex)) /* forwarded */
		return ROUTE_NONE;
	if (skb->ifindex == LOOPBACK_IFINDEX) /* the endpoint is a relay on this host */
		sent = tunnel_is_known(tunnel_of_port(proxy, source));
	port = (sent ? source : destination) & 0xffff;
	tunnel_index = tunnel_of_port(proxy, port);
	if (skb->ifindex == LOOPBACK_IFINDEX && !tunnel_is_known(tunnel_index))
		return ROUTE_NONE;
	return (tunnel_index == TUNNEL_NONE ? TUNNEL_UNCLAIMED : tunnel_index & 0xff) | sent << 8 |
	       port << 16;
}

SEC("tc")
int handshake(struct __sk_buff *skb)
{
	__u64 udp = udp_read(skb, ABI_STUB_L2(skb->cb[4]));
	__u32 route =
		udp ? handshake_route(skb, UDP_SOURCE(udp), UDP_DESTINATION(udp)) : ROUTE_NONE;

	if (route == ROUTE_NONE)
		return TC_ACT_UNSPEC;
	if (skb->gso_size)
		merged_count(skb, UDP_OFFSET(udp) + UDP_HEADER_SIZE, skb->gso_size, route);
	else
		handshake_count(skb, UDP_OFFSET(udp) + UDP_HEADER_SIZE,
				UDP_LENGTH(udp) - UDP_HEADER_SIZE, route);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
