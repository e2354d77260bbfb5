// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * WireGuard's handshake messages, called by the programs of underlay.bpf.c for UDP of their size. On the wire and not
 * from the device: the device tells of the last handshake that succeeded, here is each that was tried.
 *
 * Whether a message is WireGuard's is told by its form alone, since the port of a device is learned after its first
 * message has left. The port tells whose it is where a proxy has several tunnels, and on lo which way it goes.
 */
#include "handshake.h"
#include "histogram.h"
#include "maps.h"
#include "packet.h"
#include "transport.h"

#define SEGMENTS_MAX 64 /* UDP_MAX_SEGMENTS of the kernels up to 6.8; later ones merge up to 128 */

/* Place of the tunnel whose device has this port, or -1. */
static __always_inline int place_of(const struct proxy *proxy, __u16 port)
{
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		if (proxy->tunnels[i].listen_port && proxy->tunnels[i].listen_port == port)
			return i;
	}
	return -1;
}

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
	if (bpf_map_delete_elem(&handshakes, key) == 0)
		histogram_observe(&c->duration, ABI_BOUNDS_LATENCY, bpf_ktime_get_ns() - then);
}

/* `where`: the tunnel's place, and in bit 8 whether we sent it. */
__noinline int handshake_count(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 where)
{
	__u32 slot = ABI_STUB_SLOT(skb->cb[4]), place = where & 0xff, sent = where >> 8 & 1;
	__u64 message = handshake_read(skb, offset, size);
	struct proxy_counters *c = counters_of(slot);
	struct proxy *proxy = proxy_of(slot);
	struct handshake_key key = {};
	struct handshake_counters *h;

	if (!message || !c || !proxy || place >= ABI_TUNNELS_MAX)
		return 0;
	h = &c->handshakes[place];
	key.index = HANDSHAKE_INDEX(message);
	key.slot = slot;
	key.generation = proxy->generation;
	if (HANDSHAKE_TYPE(message) == HANDSHAKE_INITIATION) {
		COUNT(h->initiations[sent ? ABI_HANDSHAKE_SENT : ABI_HANDSHAKE_RECEIVED]);
		if (sent)
			duration_begin(&key);
	} else {
		COUNT(h->responses[sent ? ABI_HANDSHAKE_SENT : ABI_HANDSHAKE_RECEIVED]);
		if (!sent)
			duration_end(&key, h);
	}
	return 0;
}

/*
 * Datagrams of one flow may come merged: all of one size but the last, which may be shorter. So a handshake message is
 * the last, or all of them have its size.
 */
static __always_inline void merged(struct __sk_buff *skb, __u32 offset, __u32 size, __u32 where)
{
	__u32 payload = skb->len - offset, rest = payload % size;

	if (rest)
		handshake_count(skb, skb->len - rest, rest, where);
	if (size != HANDSHAKE_INITIATION_SIZE && size != HANDSHAKE_RESPONSE_SIZE)
		return;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SEGMENTS_MAX; i++, offset += size) {
		if (offset + size > skb->len)
			return;
		handshake_count(skb, offset, size, where);
	}
	if (offset + size <= skb->len)
		count_loss(counters_of(ABI_STUB_SLOT(skb->cb[4])), ABI_LOSS_PARSE);
}

SEC("tc")
int handshake(struct __sk_buff *skb)
{
	struct proxy *proxy = proxy_of(ABI_STUB_SLOT(skb->cb[4]));
	int sent = ABI_STUB_PROGRAM(skb->cb[4]) == ABI_PACKET_UNDERLAY_EGRESS, place;
	struct transport t = {};

	if (!proxy || !transport_read(skb, ABI_STUB_L2(skb->cb[4]), &t) || t.protocol != IPPROTO_UDP)
		return TC_ACT_UNSPEC;
	if (sent && skb->ingress_ifindex) /* passes through: of somebody else */
		return TC_ACT_UNSPEC;
	if (skb->ifindex == LOOPBACK_IFINDEX) { /* the device talks to a relay on this host */
		sent = place_of(proxy, t.source) >= 0;
		place = place_of(proxy, sent ? t.source : t.destination);
		if (place < 0)
			return TC_ACT_UNSPEC;
	} else {
		place = place_of(proxy, sent ? t.source : t.destination);
		if (place < 0)
			place = 0;
	}
	if (skb->gso_size)
		merged(skb, t.offset + 8, skb->gso_size, place | sent << 8);
	else if (t.length >= 8)
		handshake_count(skb, t.offset + 8, t.length - 8, place | sent << 8);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
