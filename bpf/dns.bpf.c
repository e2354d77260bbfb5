// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that count DNS messages. The programs of underlay.bpf.c and tunnel.bpf.c call them for
 * port 53. They read packets, not sockets. Packets show the queries of resolver libraries, of
 * dante's children and of raw sockets alike. They also show the path of the answer.
 */
#include "count.h"
#include "destination.h"
#include "dns_count.h"
#include "dns_stream.h"
#include "maps.h"
#include "parse/dns.h"
#include "parse/transport.h"

#define DATAGRAMS_MAX 128 /* in one skb: UDP_MAX_SEGMENTS of the kernel */
#define DATAGRAMS_PER_CALL 8

/* Counts one message of `length` bytes at `offset` in the skb. `peer`: see DNS_PEER. Returns 0. */
__noinline int dns_datagram(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 direction,
			    __u32 peer)
{
	__u64 m = dns_read(skb, offset, length, direction);

	if (DNS_MESSAGE_EVENT(m) == DNS_EVENT_MESSAGE)
		return direction == DNS_QUERIES
			       ? dns_query(skb, DNS_MESSAGE_ID(m), DNS_MESSAGE_VALUE(m), peer)
			       : dns_answer(skb, DNS_MESSAGE_ID(m), DNS_MESSAGE_VALUE(m), peer);
	if (DNS_MESSAGE_EVENT(m) == DNS_EVENT_SHORT && direction == DNS_QUERIES)
		return dns_unreadable(skb);
	return 0;
}

/*
 * Counts up to DATAGRAMS_PER_CALL datagrams of a merged skb. GRO of a TUN device merges answers of
 * one size to one socket, and some senders merge queries. dns_labels explains the nested loops.
 */
__noinline int dns_datagrams_some(struct __sk_buff *skb, __u32 offset, __u32 direction, __u32 peer)
{
	__u32 size = skb->gso_size, end = skb->len;

#pragma clang loop unroll(disable)
	for (int i = 0; i < DATAGRAMS_PER_CALL; i++) {
		if (offset >= end)
			return 0;
		dns_datagram(skb, offset, end - offset < size ? end - offset : size, direction,
			     peer);
		offset += size;
	}
	return 0;
}

static __always_inline void dns_datagrams(struct __sk_buff *skb, __u32 offset,
					  enum dns_direction direction, __u32 peer)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < DATAGRAMS_MAX / DATAGRAMS_PER_CALL;
	     i++, offset += skb->gso_size * DATAGRAMS_PER_CALL)
		dns_datagrams_some(skb, offset, direction, peer);
	if (offset < skb->len)
		dns_unreadable(skb);
}

/*
 * Copies a message to user space, which reads the names of destinations in it. For messages in the
 * tunnel, the tunnel's program has done so. On lo, a resolver may forward the message in a form
 * that is not read (DNS over TLS), so its copy is the only source. There only the ports tell
 * queries from answers.
 */
__noinline int name_copy(struct __sk_buff *skb, __u32 direction)
{
	__u64 u = udp_read(skb, ABI_STUB_L2(skb->cb[4]));
	int asks = UDP_DESTINATION(u) == DNS_PORT;

	if (!answers_enabled || !u ||
	    (skb->ifindex != LOOPBACK_IFINDEX && asks != (direction == DNS_QUERIES)))
		return 0;
	return answer_copy(skb, u, ABI_STUB_SLOT(skb->cb[4]), asks ? ABI_TRANSMIT : ABI_RECEIVE);
}

SEC("tc")
int dns_udp(struct __sk_buff *skb)
{
	enum dns_direction direction = dns_direction_of(skb);
	__u64 u;
	__u32 server, client, offset, length, rest;

	if (answers_enabled && !dns_is_tunnel(skb) && !dns_is_foreign(skb, direction))
		name_copy(skb, direction);
	if (!dns_enabled || skb->ifindex == LOOPBACK_IFINDEX)
		return TC_ACT_UNSPEC;
	if (dns_is_foreign(skb, direction) || (direction == DNS_ANSWERS && !dns_counted))
		return TC_ACT_UNSPEC;
	u = udp_read(skb, ABI_STUB_L2(skb->cb[4]));
	server = direction == DNS_QUERIES ? UDP_DESTINATION(u) : UDP_SOURCE(u);
	client = direction == DNS_QUERIES ? UDP_SOURCE(u) : UDP_DESTINATION(u);
	offset = UDP_OFFSET(u) + UDP_HEADER_SIZE;
	if (server != DNS_PORT)
		return TC_ACT_UNSPEC;
	if (skb->gso_size) {
		dns_datagrams(skb, offset, direction, DNS_PEER(client, 0));
		return TC_ACT_UNSPEC;
	}
	/*
	 * Take the length from the UDP header, since Ethernet pads short frames. The first of
	 * several fragments holds less than that length.
	 */
	length = UDP_LENGTH(u) > UDP_HEADER_SIZE ? UDP_LENGTH(u) - UDP_HEADER_SIZE : 0;
	rest = skb->len - offset;
	dns_datagram(skb, offset, length < rest ? length : rest, direction, DNS_PEER(client, 0));
	return TC_ACT_UNSPEC;
}

/* Records the server's first sequence number, from its SYN-ACK. */
static __always_inline void stream_accepted(struct dns_stream *s, __u32 sequence)
{
	bpf_spin_lock(&s->lock);
	if (!s->sides.answers.known) {
		s->sides.answers.isn = sequence + 1;
		s->sides.answers.known = 1;
	}
	bpf_spin_unlock(&s->lock);
}

/*
 * Records a FIN, if all data before it was read or the side is lost. Returns whether both sides
 * have ended.
 */
static __always_inline int stream_finished(struct dns_stream *s, const struct segment *segment,
					   enum dns_direction direction)
{
	struct dns_side *side = direction == DNS_QUERIES ? &s->sides.queries : &s->sides.answers;
	int both;

	bpf_spin_lock(&s->lock);
	if (side->lost || segment->sequence + segment->payload_length - side->isn == side->next)
		side->ended = 1;
	both = s->sides.queries.ended & s->sides.answers.ended;
	bpf_spin_unlock(&s->lock);
	return both;
}

/*
 * Whether a RST ends the connection. A RST from the client always does. A RST from the server does
 * only with the expected sequence number, or before the connection is accepted.
 */
static __always_inline int stream_reset(const struct dns_stream *s, const struct segment *segment,
					enum dns_direction direction)
{
	const struct dns_side *side = &s->sides.answers;

	return direction == DNS_QUERIES || !side->known ||
	       segment->sequence - side->isn == side->next;
}

static __always_inline void stream_packet(struct __sk_buff *skb, const struct segment *segment,
					  struct dns_key *key, enum dns_direction direction,
					  struct proxy_counters *c)
{
	struct dns_stream *s = bpf_map_lookup_elem(&dns_streams, key);

	if (!s) { /* the stream began before the program was attached, or was idle for too long */
		if (direction == DNS_QUERIES && segment->payload_length)
			count_loss(c, ABI_LOSS_PARSE);
		return;
	}
	if (segment->flags & TCP_FLAG_RST) {
		if (stream_reset(s, segment, direction))
			dns_stream_end(c, key);
		return;
	}
	s->last_ns = bpf_ktime_get_ns();
	if (direction == DNS_ANSWERS && segment->flags & TCP_FLAG_SYN)
		stream_accepted(s, segment->sequence);
	if (segment->payload_length)
		dns_stream_segment(skb, segment, s, direction, c);
	if (segment->flags & TCP_FLAG_FIN && stream_finished(s, segment, direction))
		dns_stream_end(c, key);
}

/*
 * Handles the first IP fragment of a segment: its data is incomplete, so the rest of the stream
 * cannot be read.
 */
static __always_inline void stream_fragment(const struct dns_key *key, enum dns_direction direction,
					    struct proxy_counters *c)
{
	struct dns_stream *s = bpf_map_lookup_elem(&dns_streams, key);

	if (s)
		dns_side_lose(c, s,
			      direction == DNS_QUERIES ? &s->sides.queries : &s->sides.answers,
			      s->opened_ns, ABI_LOSS_PARSE);
	else if (direction == DNS_QUERIES)
		count_loss(c, ABI_LOSS_PARSE);
}

SEC("tc")
int dns_tcp(struct __sk_buff *skb)
{
	enum dns_direction direction = dns_direction_of(skb);
	enum segment_result result;
	struct dns_key key = {};
	struct segment s = {};
	struct proxy_counters *c;

	if (dns_is_foreign(skb, direction))
		return TC_ACT_UNSPEC;
	result = segment_read(skb, ABI_STUB_L2(skb->cb[4]), &s);
	if (result == SEGMENT_NONE ||
	    (direction == DNS_QUERIES ? s.destination_port : s.source_port) != DNS_PORT)
		return TC_ACT_UNSPEC;
	c = dns_key_set_proxy(skb, &key);
	if (!c)
		return TC_ACT_UNSPEC;
	dns_key_of_segment(&key, &s, direction);
	if (result == SEGMENT_FRAGMENT) {
		stream_fragment(&key, direction, c);
		return TC_ACT_UNSPEC;
	}
	if (direction == DNS_QUERIES && s.flags & TCP_FLAG_SYN)
		dns_stream_begin(skb, s.sequence, DNS_PEER(s.source_port, 1));
	stream_packet(skb, &s, &key, direction, c);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
