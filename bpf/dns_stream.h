/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads DNS over TCP by stream offset in each direction: a message counts once, however it is split
 * or retransmitted. As with SOCKS dialogues (dialogue.h), a CPU reads a segment without the lock.
 * It records the result under the lock, unless another CPU has recorded meanwhile.
 */
#pragma once

#include "count.h"
#include "dns_count.h"
#include "parse/dns.h"

#define DNS_ROUNDS_MAX 256 /* in one segment or GSO skb; a message takes two or three */
#define DNS_ROUNDS_PER_CALL 16

/* Sets addresses, port and protocol of the key; slot, generation and path: dns_key_set_proxy. */
static __always_inline void dns_key_of_segment(struct dns_key *key, const struct segment *s,
					       enum dns_direction direction)
{
	int query = direction == DNS_QUERIES;

	address_copy(key->client, query ? s->source : s->destination);
	address_copy(key->server, query ? s->destination : s->source);
	key->client_port = query ? s->source_port : s->destination_port;
	key->tcp = 1;
}

/*
 * Begins a stream at the client's SYN, which sets its offset 0. A retransmitted SYN changes
 * nothing; another sequence number begins a new stream. `peer`: see DNS_PEER. Returns 0. A global
 * function, so that its stack is not added to that of the reader.
 */
__noinline int dns_stream_begin(struct __sk_buff *skb, __u32 sequence, __u32 peer)
{
	struct dns_key key = {};
	struct proxy_counters *c = dns_key_set(skb, &key, DNS_QUERIES, 0, peer);
	struct dns_stream new = {};
	struct dns_stream *s;
	int error;

	if (!c)
		return 0;
	new.opened_ns = new.last_ns = bpf_ktime_get_ns();
	new.sides.queries.isn = sequence + 1;
	new.sides.queries.known = 1;
	error = map_insert(&dns_streams, &key, &new);
	if (!error) {
		COUNT(c->dns_streams);
		return 0;
	}
	s = error == -EEXIST ? bpf_map_lookup_elem(&dns_streams, &key) : NULL;
	if (s && s->sides.queries.isn == new.sides.queries.isn)
		return 0;
	if (!s || bpf_map_update_elem(&dns_streams, &key, &new, BPF_EXIST))
		count_loss(c, ABI_LOSS_INSERT);
	return 0;
}

/* Deletes a stream. */
static __always_inline void dns_stream_end(struct proxy_counters *c, const struct dns_key *key)
{
	int error = map_delete(&dns_streams, key);

	if (!error)
		UNCOUNT(c->dns_streams);
	else if (error != -ENOENT)
		count_loss(c, ABI_LOSS_DELETE);
}

/* Copy of one side of a stream from when reading began. */
struct dns_view {
	__u64 opened_ns;
	__u64 word;
	__u32 next;
	__u32 ahead_start;
	__u32 ahead_end;
	__u32 closed; /* nothing more is to be read */
};

static __always_inline void dns_view_take(struct dns_stream *s, struct dns_side *side,
					  struct dns_view *v)
{
	bpf_spin_lock(&s->lock);
	v->opened_ns = s->opened_ns;
	v->word = side->word;
	v->next = side->next;
	v->ahead_start = side->ahead_start;
	v->ahead_end = side->ahead_end;
	v->closed = side->lost | !side->known;
	bpf_spin_unlock(&s->lock);
}

/*
 * Records what was read up to offset `next`, unless another CPU has recorded meanwhile. Returns
 * whether it did; if so, the caller counts the message.
 */
static __always_inline int dns_view_commit(struct dns_stream *s, struct dns_side *side,
					   const struct dns_view *v, __u64 word, __u32 next)
{
	int written = 0;

	bpf_spin_lock(&s->lock);
	if (!((s->opened_ns ^ v->opened_ns) | (side->next ^ v->next) | side->lost)) {
		side->word = word;
		side->next = next;
		if ((__s32)(side->ahead_end - next) <= 0)
			side->ahead_start = side->ahead_end = next;
		written = 1;
	}
	bpf_spin_unlock(&s->lock);
	return written;
}

/* Stops reading a side. The first call counts the loss. */
static __always_inline void dns_side_lose(struct proxy_counters *c, struct dns_stream *s,
					  struct dns_side *side, __u64 opened_ns,
					  enum abi_loss cause)
{
	int first = 0;

	bpf_spin_lock(&s->lock);
	if (s->opened_ns == opened_ns) {
		first = !side->lost;
		side->lost = 1;
	}
	bpf_spin_unlock(&s->lock);
	if (first)
		count_loss(c, cause);
}

/*
 * Records the range of a segment that arrived before its predecessor and was not read. Two such
 * segments become one range.
 */
static __always_inline void dns_ahead_add(struct dns_stream *s, struct dns_side *side,
					  const struct dns_view *v, __u32 start, __u32 end)
{
	bpf_spin_lock(&s->lock);
	if (s->opened_ns == v->opened_ns) {
		if (side->ahead_start == side->ahead_end) {
			side->ahead_start = start;
			side->ahead_end = end;
		}
		if ((__s32)(start - side->ahead_start) < 0)
			side->ahead_start = start;
		if ((__s32)(end - side->ahead_end) > 0)
			side->ahead_end = end;
	}
	bpf_spin_unlock(&s->lock);
}

/* Returns how many of `length` bytes belong to the rest of a message, which is skipped. */
static __always_inline __u32 dns_rest(__u64 word, __u32 length)
{
	__u32 left = DNS_WORD_STATE(word) == DNS_REST ? DNS_WORD_LEFT(word) : 0;

	return left < length ? left : length;
}

/*
 * Returns the word after `n` such bytes. Not a global function: the compiler might move the call
 * under the lock, where calls are forbidden.
 */
static __always_inline __u64 dns_rest_pass(__u64 word, __u32 n)
{
	__u32 left = DNS_WORD_LEFT(word) - n;

	return left ? DNS_WORD(DNS_REST, 0, left, DNS_WORD_ID(word)) : 0;
}

/*
 * Result of a round: 0 when nothing is left to do, else a DNS_STEP with the number of bytes read
 * above it (parse/dns.h).
 */
#define DNS_ROUND_MORE (1ULL << 56)

/*
 * Resumes reading of answers after a loss, if the segment begins with an answer to a pending query
 * of this connection. In that case a message begins at `start`. Returns whether it resumed.
 */
static __always_inline int dns_answers_resume(struct __sk_buff *skb, struct dns_stream *s,
					      struct dns_side *side, struct dns_key *key,
					      const struct dns_view *v, __u32 offset, __u32 start)
{
	__u8 head[5]; /* length, id, first byte of the flags */
	int resumed = 0;

	if ((__s32)(start - v->next) < 0 || bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
		return 0;
	key->id = head[2] << 8 | head[3];
	if (!(head[4] & DNS_FLAG_ANSWER) || !bpf_map_lookup_elem(&dns_pending, key))
		return 0;
	bpf_spin_lock(&s->lock);
	if (s->opened_ns == v->opened_ns && side->lost) {
		side->next = side->ahead_start = side->ahead_end = start;
		side->word = 0;
		side->lost = 0;
		resumed = 1;
	}
	bpf_spin_unlock(&s->lock);
	return resumed;
}

/*
 * Reads one message, or a part of one. `offset`, `length`, `sequence`: the data of the segment.
 * Returns the result of a round, see above. A global function, since a loop calls it; therefore it
 * looks up the stream. It does not count the message, the loop does: nested stacks would exceed the
 * limit of kernels before 6.8.
 *
 * Segments may overtake each other on a host with several CPUs; they are not held. That is harmless
 * if the segment has only the rest of a message that begins in an earlier segment. If a message
 * begins in the segment, the side is lost.
 */
__noinline __u64 dns_stream_round(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 sequence,
				  __u32 peer)
{
	enum dns_direction direction = dns_direction_of(skb);
	struct dns_key key = {};
	struct dns_stream *s;
	struct proxy_counters *c = dns_key_set(skb, &key, direction, 0, peer);
	__u32 start, read, n, cause = ABI_LOSS_OUT_OF_ORDER;
	struct dns_side *side;
	struct dns_view v;
	__u64 step;

	s = c ? bpf_map_lookup_elem(&dns_streams, &key) : NULL;
	if (!s)
		return 0;
	side = direction == DNS_QUERIES ? &s->sides.queries : &s->sides.answers;
	dns_view_take(s, side, &v);
	start = sequence - side->isn;
	if (v.closed && direction == DNS_ANSWERS && side->lost &&
	    dns_answers_resume(skb, s, side, &key, &v, offset, start))
		return DNS_ROUND_MORE;
	if (v.closed)
		return 0;
	read = v.next - start;
	n = length - read;
	if (read >= length) { /* the next byte is after this segment, or before it */
		int came =
			(__s32)(v.next - v.ahead_start) >= 0 && (__s32)(v.ahead_end - v.next) > 0;

		if (!came && (__s32)read >= 0)
			return 0;
		n = came ? v.ahead_end - v.next : -read;
		if (dns_rest(v.word, n) < n) {
			if (came)
				goto lost;
			dns_ahead_add(s, side, &v, start, start + length);
			return 0;
		}
		step = dns_rest_pass(v.word, n);
	} else if (dns_rest(v.word, n)) {
		n = dns_rest(v.word, n);
		step = dns_rest_pass(v.word, n);
	} else {
		step = dns_stream_read(skb, offset + read, n, v.word, direction);
		n = DNS_READ_CONSUMED(step);
		cause = ABI_LOSS_PARSE;
		if (!n)
			goto lost;
	}
	if (!dns_view_commit(s, side, &v, DNS_STEP_WORD(step), v.next + n))
		return DNS_ROUND_MORE; /* another CPU has recorded it and counts it */
	return step | DNS_ROUND_MORE;
lost:
	dns_side_lose(c, s, side, v.opened_ns, cause);
	return 0;
}

/*
 * Counts a message, if the step ends one. Returns 0. A global function: its branches do not
 * multiply with those of the loop that calls it.
 */
__noinline int dns_stream_message(struct __sk_buff *skb, __u64 step, __u32 direction, __u32 peer)
{
	__u32 id = DNS_WORD_ID(step), value = DNS_STEP_VALUE(step);

	if (DNS_STEP_EVENT(step) == DNS_EVENT_MESSAGE)
		return direction == DNS_QUERIES ? dns_query(skb, id, value, peer)
						: dns_answer(skb, id, value, peer);
	if (DNS_STEP_EVENT(step) == DNS_EVENT_SHORT && direction == DNS_QUERIES)
		return dns_unreadable(skb);
	return 0;
}

/*
 * Runs up to DNS_ROUNDS_PER_CALL rounds. Returns whether more may follow. dns_labels explains the
 * nested loops.
 */
__noinline int dns_stream_rounds(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 sequence,
				 __u32 peer)
{
	__u32 direction = dns_direction_of(skb);

#pragma clang loop unroll(disable)
	for (int round = 0; round < DNS_ROUNDS_PER_CALL; round++) {
		__u64 step = dns_stream_round(skb, offset, length, sequence, peer);

		if (!step)
			return 0;
		dns_stream_message(skb, step, direction, peer);
	}
	return 1;
}

/* Reads the data of a segment, message by message. */
static __always_inline void dns_stream_segment(struct __sk_buff *skb, const struct segment *segment,
					       struct dns_stream *s, enum dns_direction direction,
					       struct proxy_counters *c)
{
	__u32 peer = DNS_PEER(
		direction == DNS_QUERIES ? segment->source_port : segment->destination_port, 1);
	__u32 sequence = segment->sequence + (segment->flags & TCP_FLAG_SYN ? 1 : 0);
	__u64 opened_ns = s->opened_ns;

#pragma clang loop unroll(disable)
	for (int round = 0; round < DNS_ROUNDS_MAX / DNS_ROUNDS_PER_CALL; round++) {
		if (!dns_stream_rounds(skb, segment->payload, segment->payload_length, sequence,
				       peer))
			return;
	}
	/* The skb has more messages than DNS_ROUNDS_MAX allows. */
	dns_side_lose(c, s, direction == DNS_QUERIES ? &s->sides.queries : &s->sides.answers,
		      opened_ns, ABI_LOSS_PARSE);
}
