/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the SOCKS dialogue by TCP stream offset, so that split, pipelined, retransmitted,
 * overlapping and reordered segments count once. Each field has one writer (see struct dialogue):
 * ingress counts requests, egress counts outcomes, and the socket's CLOSE settles the rest. Egress
 * and CLOSE never run at the same time: the server sends and closes under its socket's lock.
 * Ingress takes only the lock of the session.
 */
#pragma once

#include "count.h"
#include "maps.h"
#include "outcome.h"
#include "parse/socks.h"
#include "parse/socks_reader.h"
#include "parse/transport.h"

/* Stops reading a side, and counts the loss. */
static __always_inline void side_give_up(struct dialogue_side *side, enum abi_loss cause,
					 struct proxy_counters *c)
{
	side->flags |= DIALOGUE_DONE | DIALOGUE_LOST;
	count_loss(c, cause);
}

/*
 * Reads held bytes, up to the end of an aligned 8-byte word or the next event. `from`: index in
 * `held`. `length`: bytes held from there on. Returns a READ_PACK.
 */
static __always_inline __u64 held_read(const struct session *s, __u32 from, __u32 length,
				       __u32 state, __u32 skip)
{
	__u32 at = from & 0x38, ahead = from & 7; /* below 64, in words */

	return client_read_word(*(const __u64 *)(s->held + at) >> ahead * 8,
				length < 8 - ahead ? length : 8 - ahead, state, skip);
}

/*
 * Holds a segment that arrived before its predecessor. The held bytes are contiguous: only a
 * segment that follows them directly is added. The range is reserved under the lock and loaded
 * afterwards, since helpers are forbidden under a lock. No CPU reads held bytes before all reserved
 * bytes are loaded. Returns 0, or -1 if the segment cannot be held.
 */
static __always_inline int held_add(struct __sk_buff *skb, const struct segment *segment,
				    struct session *s)
{
	__u32 start = segment->sequence - s->dialogue.client.isn, length = segment->payload_length,
	      at, again;
	int placed = 0;

	if (length - 1 >= ABI_HELD_SEGMENT_MAX)
		return -1;
	bpf_spin_lock(&s->lock);
	/*
	 * All held bytes were read, so reuse their memory. A CPU that still reads them cannot
	 * commit: `next` has moved.
	 */
	if (s->held_filled == s->held_length &&
	    (__s32)(s->dialogue.client.next - s->held_start - s->held_length) >= 0)
		s->held_length = s->held_filled = 0;
	if (!s->held_length)
		s->held_start = start;
	at = start - s->held_start;
	again = at < s->held_length && at + length <= s->held_length;
	if (at == s->held_length && at + length <= ABI_HELD_MAX) {
		s->held_length = at + length;
		placed = 1;
	}
	bpf_spin_unlock(&s->lock);
	if (!placed || at >= ABI_HELD_MAX)
		return again ? 0 : -1;
	if (bpf_skb_load_bytes(skb, segment->payload, s->held + at,
			       read_length(length, ABI_HELD_SEGMENT_MAX)))
		return -1;
	bpf_spin_lock(&s->lock);
	s->held_filled += length;
	bpf_spin_unlock(&s->lock);
	return 0;
}

/* Copy of the client's side from when reading began. */
struct view {
	__u64 socket;
	__u32 next;
	__u32 skip;
	__u32 state;
	__u32 held_from; /* index of the first unread byte in `held` */
	__u32 held_length;
	__u32 flags;
};

static __always_inline void view_take(struct session *s, struct view *v)
{
	bpf_spin_lock(&s->lock);
	v->socket = s->socket;
	v->next = s->dialogue.client.next;
	v->skip = s->dialogue.client.skip;
	v->state = s->dialogue.client.state;
	v->flags = s->dialogue.client.flags;
	v->held_from = v->next - s->held_start;
	v->held_length = s->held_filled == s->held_length ? s->held_length : 0;
	bpf_spin_unlock(&s->lock);
}

/*
 * Records what was read. `r`: a READ_PACK; `now`: CLOCK_MONOTONIC in ns. Returns whether a request
 * is complete. Few branches, since the verifier follows each round of the loop around it.
 */
static __always_inline int dialogue_advance(struct dialogue *d, __u64 r, __u64 now)
{
	if (!d->client.next)
		d->request_ns = now; /* for a request that is refused before it is complete */
	d->client.next += READ_CONSUMED(r);
	d->client.skip = READ_SKIP(r);
	d->client.state = READ_STATE(r);
	if (READ_EVENT(r)) {
		d->malformed = READ_EVENT(r) & ~SOCKS_EVENT_COMMAND;
		d->command = READ_BYTE(r);
	}
	if (d->client.state != SOCKS_CLIENT_DONE)
		return 0;
	d->client.flags |= DIALOGUE_DONE;
	d->request_ns = now;
	d->requested = !d->malformed;
	return d->requested;
}

/*
 * Records what was read, unless another CPU has recorded or the session has ended. Returns whether
 * the caller counts a request.
 */
static __always_inline int view_commit(struct session *s, const struct view *v, __u64 r, __u64 now)
{
	int complete = 0;

	bpf_spin_lock(&s->lock);
	/* The kernel may reuse a freed map value at once: check that it is the same session. */
	if (!((s->socket ^ v->socket) | (s->dialogue.client.next ^ v->next) |
	      (s->dialogue.client.flags & DIALOGUE_DONE) | s->closed))
		complete = dialogue_advance(&s->dialogue, r, now);
	bpf_spin_unlock(&s->lock);
	return complete;
}

/* Reads data before the session exists. Counts nothing: early_take does. */
static __always_inline void dialogue_early(struct __sk_buff *skb, const struct segment *segment,
					   struct dialogue *d)
{
	__u32 read = d->client.next - (segment->sequence - d->client.isn);
	__u64 r;

	if (read >= segment->payload_length) { /* already read, or bytes before it are missing */
		if ((__s32)read < 0)
			d->client.flags |= DIALOGUE_DONE | DIALOGUE_LOST;
		return;
	}
	r = client_read(skb, segment->payload + read, segment->payload_length - read,
			d->client.state, d->client.skip);
	dialogue_advance(d, r, bpf_ktime_get_ns());
	if (READ_CONSUMED(r) < segment->payload_length - read &&
	    d->client.state != SOCKS_CLIENT_DONE)
		d->client.flags |= DIALOGUE_DONE | DIALOGUE_LOST;
}

/*
 * Reads a segment of the client's side; repeats if another CPU has recorded meanwhile. Returns
 * whether the held bytes may follow.
 */
#define SEGMENT_ROUNDS_MAX 2

static __always_inline int client_segment_read(struct __sk_buff *skb, const struct segment *segment,
					       const struct session_key *key, struct session *s,
					       struct proxy_counters *c)
{
	__u32 start = segment->sequence - s->dialogue.client.isn,
	      end = start + segment->payload_length;

#pragma clang loop unroll(disable)
	for (int round = 0; round < SEGMENT_ROUNDS_MAX; round++) {
		struct view v;
		__u32 read;
		__u64 r;

		view_take(s, &v);
		if (v.flags & DIALOGUE_DONE)
			return 0;
		read = v.next - start;
		if ((__s32)read < 0) {
			if (!held_add(skb, segment, s))
				return 1; /* the missing bytes may have arrived meanwhile */
			side_give_up(&s->dialogue.client, ABI_LOSS_OUT_OF_ORDER, c);
			return 0;
		}
		if ((__s32)(end - v.next) <= 0) /* already read */
			return 1;
		r = client_read(skb, segment->payload + read, segment->payload_length - read,
				v.state, v.skip);
		if (READ_CONSUMED(r) < segment->payload_length - read &&
		    READ_STATE(r) != SOCKS_CLIENT_DONE) {
			/* Longer than any request. */
			side_give_up(&s->dialogue.client, ABI_LOSS_PARSE, c);
			return 0;
		}
		if (view_commit(s, &v, r, bpf_ktime_get_ns()))
			request_count(c, key, s->dialogue.command);
	}
	return 1;
}

/* Reads a segment and then the held bytes that follow it, at most 8 bytes a round. */
#define HELD_ROUNDS_MAX (ABI_HELD_MAX / 8 + 2)

static __always_inline void dialogue_client(struct __sk_buff *skb, const struct segment *segment,
					    const struct session_key *key, struct session *s,
					    struct proxy_counters *c)
{
	/* GSSAPI cannot be read. The egress side has counted the loss. */
	if (s->dialogue.method == SOCKS_METHOD_GSSAPI) {
		s->dialogue.client.flags |= DIALOGUE_DONE;
		return;
	}
	if (!client_segment_read(skb, segment, key, s, c) || !s->held_length)
		return;
#pragma clang loop unroll(disable)
	for (int round = 0; round < HELD_ROUNDS_MAX; round++) {
		struct view v;
		__u64 r;

		view_take(s, &v);
		if (v.flags & DIALOGUE_DONE || v.held_from >= v.held_length)
			return;
		r = held_read(s, v.held_from, v.held_length - v.held_from, v.state, v.skip);
		if (view_commit(s, &v, r, bpf_ktime_get_ns()))
			request_count(c, key, s->dialogue.command);
	}
}

/*
 * Reads a segment of the server's side, up to the byte that decides the outcome. Runs under the
 * socket's lock, which the kernel holds while the server sends.
 */
static __always_inline void dialogue_server(struct __sk_buff *skb, const struct segment *segment,
					    const struct session_key *key, struct session *s,
					    struct proxy_counters *c)
{
	struct dialogue *d = &s->dialogue;
	__u32 start = segment->sequence - d->server.isn, end = start + segment->payload_length;
	__u32 read = d->server.next - start, verdict;
	__u64 r, now, id = s->socket;

	if ((__s32)(end - d->server.next) <= 0)
		return;
	if ((__s32)(start - d->server.next) > 0) {
		side_give_up(&d->server, ABI_LOSS_OUT_OF_ORDER, c);
		return;
	}
	r = server_read(skb, segment->payload + read, segment->payload_length - read,
			d->server.state);
	if (s->socket != id)
		return;
	verdict = READ_EVENT(r);
	d->server.next += READ_CONSUMED(r);
	d->server.state = READ_STATE(r);
	if (READ_BYTE(r))
		d->method = READ_BYTE(r);
	if (d->server.state == SOCKS_SERVER_DONE) {
		d->server.flags |= DIALOGUE_DONE;
		if (d->method == SOCKS_METHOD_GSSAPI)
			side_give_up(&d->server, ABI_LOSS_PARSE, c);
	} else if (READ_CONSUMED(r) < segment->payload_length - read) {
		side_give_up(&d->server, ABI_LOSS_PARSE, c);
	}
	if (verdict == SOCKS_VERDICT_NONE || d->settled)
		return;
	/* The ingress side has stopped reading and will not count the request. */
	if (d->client.flags & DIALOGUE_LOST && !d->requested) {
		d->requested = 1;
		request_count(c, key, ABI_COMMAND_UNKNOWN);
	}
	now = bpf_ktime_get_ns();
	d->verdict = verdict;
	/* At CLOSE it is known whether the client received the reply. */
	if (s->closer == SESSION_CLOSED_BY_CLIENT) {
		d->pending = 1;
		d->reply_end = d->server.next;
		d->reply_ns = now;
		return;
	}
	dialogue_settle(d, verdict, dialogue_age(d, now), c);
}
