/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SOCKS dialogue by TCP stream offset, so that split, pipelined, retransmitted and overlapping segments count once.
 * One writer for each field (see struct dialogue): the ingress side counts requests, the egress side outcomes, the socket's CLOSE
 * what is left. Egress and CLOSE do not run at once: the server sends, and closes, under its socket's lock.
 */
#ifndef WGSOCKS_BPF_DIALOGUE_H
#define WGSOCKS_BPF_DIALOGUE_H

#include "maps.h"
#include "outcome.h"
#include "packet.h"
#include "socks.h"

/*
 * Steps in one segment: the longest dialogue of SOCKS5 with authentication, all in one segment, takes 14; SOCKS4 takes 9 and then one for each
 * SCAN_MAX bytes of user and name, which a server bounds at 255 each: 9 + 8 + 8.
 */
#define DIALOGUE_STEPS_MAX 25
#define SERVER_STEPS_MAX 6 /* two bytes of method, two of authentication, two of reply */
#define SCAN_MAX 32

/*
 * Reading is done on scalars alone, in global functions: each is verified once, whatever calls it, and what a loop keeps are unknown scalars, so that
 * its iterations look alike to the verifier. (One inlined loop over map memory took 65,000 instructions to verify; this takes 2,000.)
 *
 * What they return: bytes read (of a segment of at most 2^20), state, bytes still to be passed over, and an event with its byte.
 */
#define READ_PACK(consumed, state, skip, event, byte)                                                      \
	((__u64)((consumed)&0xfffff) | (__u64)(event) << 20 | (__u64)(byte) << 32 | (__u64)(state) << 40 | \
	 (__u64)(skip) << 48)
#define READ_CONSUMED(r) ((__u32)(r)&0xfffff)
#define READ_EVENT(r) ((__u32)((r) >> 20) & 0xff)
#define READ_BYTE(r) ((__u32)((r) >> 32) & 0xff)
#define READ_STATE(r) ((__u32)((r) >> 40) & 0xff)
#define READ_SKIP(r) ((__u32)((r) >> 48) & 0xffff)

/* How many of the next bytes, at most SCAN_MAX, come before a NUL. */
__noinline __u32 scan_to_nul(struct __sk_buff *skb, __u32 offset, __u32 length)
{
	__u8 bytes[SCAN_MAX] = {};

	if (length > SCAN_MAX)
		length = SCAN_MAX;
	if (!length || bpf_skb_load_bytes(skb, offset, bytes, length))
		return 0;
	for (__u32 i = 0; i < SCAN_MAX; i++) {
		if (i >= length || !bytes[i])
			return i;
	}
	return SCAN_MAX;
}

__noinline __u64 client_step(struct __sk_buff *skb, __u32 offset, __u32 left, __u32 state, __u32 skip)
{
	__u8 byte = 0;
	__u32 n;

	if (skip) {
		n = left < skip ? left : skip;
		return READ_PACK(n, n == skip ? socks_client_after(state) : state, skip - n, 0, 0);
	}
	if (socks_client_scans(state)) {
		n = scan_to_nul(skb, offset, left);
		if (n)
			return READ_PACK(n, state, 0, 0, 0);
	}
	if (bpf_skb_load_bytes(skb, offset, &byte, 1))
		return 0;
	n = socks_client_next(state, byte);
	return READ_PACK(1, SOCKS_STEP_STATE(n), SOCKS_STEP_SKIP(n), SOCKS_STEP_EVENT(n), byte);
}

/* Reads what it can of the client's side. The event, if any: COMMAND with its byte, FOREIGN or MALFORMED. */
__noinline __u64 client_read(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 state, __u32 skip)
{
	__u32 consumed = 0, event = 0, byte = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < DIALOGUE_STEPS_MAX; i++) {
		__u64 r;

		if (consumed >= length || state == SOCKS_CLIENT_DONE)
			break;
		r = client_step(skb, offset + consumed, length - consumed, state, skip);
		if (!READ_CONSUMED(r))
			break;
		consumed += READ_CONSUMED(r);
		state = READ_STATE(r);
		skip = READ_SKIP(r);
		if (READ_EVENT(r)) {
			event = READ_EVENT(r);
			byte = READ_BYTE(r);
		}
	}
	return READ_PACK(consumed, state, skip, event, byte);
}

__noinline __u32 server_step(__u32 state, __u32 byte)
{
	return socks_server_next(state, byte & 0xff);
}

__noinline __u32 server_verdict(__u32 event, __u32 byte)
{
	return socks_verdict(event, byte & 0xff);
}

/* Reads the server's side up to the byte that decides: `event` is the verdict, `byte` the chosen method (none: 0, which needs no remembering). */
__noinline __u64 server_read(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 state)
{
	__u32 consumed = 0, verdict = SOCKS_VERDICT_NONE, method = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < SERVER_STEPS_MAX; i++) {
		__u8 byte = 0;
		__u32 step;

		if (consumed >= length || state == SOCKS_SERVER_DONE)
			break;
		if (bpf_skb_load_bytes(skb, offset + consumed, &byte, 1))
			break;
		step = server_step(state, byte);
		consumed++;
		state = SOCKS_STEP_STATE(step);
		if (SOCKS_STEP_EVENT(step)) {
			verdict = server_verdict(SOCKS_STEP_EVENT(step), byte);
			if (SOCKS_STEP_EVENT(step) == SOCKS_EVENT_METHOD)
				method = byte;
		}
	}
	return READ_PACK(consumed, state, 0, verdict, method);
}

static __always_inline __u8 command_of(__u8 byte)
{
	return byte >= 1 && byte <= 3 ? byte - 1 : ABI_COMMAND_UNKNOWN;
}

/* Where a segment's unread bytes begin, and how many there are; 0: it was read before; -1: bytes before it are missing. */
static __always_inline int side_unread(const struct segment *s, const struct dialogue_side *side, __u32 *offset,
				       __u32 *length)
{
	__u32 start = s->sequence - side->isn, end = start + s->payload_length;

	if ((__s32)(end - side->next) <= 0)
		return 0;
	if ((__s32)(start - side->next) > 0)
		return -1;
	*offset = s->payload + (side->next - start);
	*length = end - side->next;
	return 1;
}

static __always_inline void side_give_up(struct dialogue_side *side, enum abi_loss cause, struct proxy_counters *c)
{
	side->flags |= DIALOGUE_DONE | DIALOGUE_LOST;
	count_loss(c, cause);
}

/* Whether the value still is the session that we looked up: a freed hash value may be reused at once. */
#define STILL(session, id) (!(session) || (session)->socket == (id))

/*
 * Reads a segment of the client's side. `session` is NULL before there is one (then nothing is counted: the session's start does that).
 */
static __always_inline void dialogue_client(struct __sk_buff *skb, const struct segment *s, struct dialogue *d,
					    struct session *session, __u64 id, struct proxy_counters *c)
{
	__u32 offset, length;
	int unread = side_unread(s, &d->client, &offset, &length);
	__u64 r;

	if (unread <= 0) {
		if (unread < 0)
			side_give_up(&d->client, ABI_LOSS_OUT_OF_ORDER, c);
		return;
	}
	if (d->method == SOCKS_METHOD_GSSAPI) { /* what follows is opaque; the egress side has counted it */
		d->client.flags |= DIALOGUE_DONE;
		return;
	}
	r = client_read(skb, offset, length, d->client.state, d->client.skip);
	if (!STILL(session, id))
		return;
	if (!d->client.next)
		d->request_ns = bpf_ktime_get_ns(); /* of a request that is refused before it comes */
	d->client.next += READ_CONSUMED(r);
	d->client.skip = READ_SKIP(r);
	d->client.state = READ_STATE(r);
	if (READ_EVENT(r) == SOCKS_EVENT_COMMAND)
		d->command = command_of(READ_BYTE(r));
	else if (READ_EVENT(r))
		d->malformed = READ_EVENT(r);
	if (d->client.state == SOCKS_CLIENT_DONE) {
		d->client.flags |= DIALOGUE_DONE;
		if (d->malformed)
			return;
		d->request_ns = bpf_ktime_get_ns();
		d->requested = 1;
		if (session)
			request_count(c, d->command);
	} else if (READ_CONSUMED(r) < length) { /* unreadable, or longer than any request */
		side_give_up(&d->client, ABI_LOSS_PARSE, c);
	}
}

/* Reads a segment of the server's side, up to the byte that decides. */
static __always_inline void dialogue_server(struct __sk_buff *skb, const struct segment *s, struct session *session,
					    __u64 id, struct proxy_counters *c)
{
	struct dialogue *d = &session->dialogue;
	__u32 offset, length, verdict;
	int unread = side_unread(s, &d->server, &offset, &length);
	__u64 r, now;

	if (unread <= 0) {
		if (unread < 0)
			side_give_up(&d->server, ABI_LOSS_OUT_OF_ORDER, c);
		return;
	}
	r = server_read(skb, offset, length, d->server.state);
	if (!STILL(session, id))
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
	} else if (READ_CONSUMED(r) < length) {
		side_give_up(&d->server, ABI_LOSS_PARSE, c);
	}
	if (verdict == SOCKS_VERDICT_NONE || d->settled)
		return;
	if (d->client.flags & DIALOGUE_LOST &&
	    !d->requested) { /* the ingress side has given up: it will not count it */
		d->requested = 1;
		request_count(c, ABI_COMMAND_UNKNOWN);
	}
	now = bpf_ktime_get_ns();
	d->verdict = verdict;
	if (session->closer == SESSION_CLOSED_BY_CLIENT) { /* whether it still reads is known at CLOSE */
		d->pending = 1;
		d->reply_end = d->server.next;
		d->reply_ns = now;
		return;
	}
	dialogue_settle(d, verdict, dialogue_age(d, now), c);
}

#endif
