/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sessions (client connections from ESTABLISHED to CLOSE) and upstream connections (from SYN_SENT
 * to CLOSE). Two copies of the program see each event (see sockets.bpf.c). Therefore the second run
 * of each step has no effect, and gauges change only after a successful insert or delete.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>

#include "connection.h"
#include "count.h"
#include "early.h"
#include "maps.h"
#include "outcome.h"
#include "parse/ip.h"

#define SO_EE_ORIGIN_ICMP 2 /* linux/errqueue.h */
#define SO_EE_ORIGIN_ICMP6 3

static __always_inline void session_key_of(const struct connection *k, struct session_key *key)
{
	const struct sock_common *sk = &k->sk->__sk_common;

	__builtin_memset(key, 0, sizeof(*key));
	if (sk->skc_family == AF_INET) {
		address_map_ipv4(key->client, sk->skc_daddr);
		address_map_ipv4(key->server, sk->skc_rcv_saddr);
	} else {
		struct in6_addr client = sk->skc_v6_daddr, server = sk->skc_v6_rcv_saddr;

		__builtin_memcpy(key->client, &client, 16);
		__builtin_memcpy(key->server, &server, 16);
	}
	key->client_port = bpf_ntohs(sk->skc_dport);
	key->server_port = k->local_port;
	key->slot = k->slot;
	key->generation = k->proxy->generation;
}

/* Counts the retransmissions of the socket since the last call. `seen`: total_retrans then. */
static __always_inline void retransmits_count(struct connection *k, enum abi_side side, __u32 *seen)
{
	__u32 total = k->tcp->total_retrans, more = total - *seen;

	if (more && (__s32)more > 0) {
		*seen = total;
		COUNT_BY(ABI_AT(__u64, k->c->retransmits, side), more);
	}
}

/*
 * Returns the verdict (see socks_verdict) of a request whose connection ends. `delivered`: the
 * verdict of a reply that the client received, or SOCKS_VERDICT_NONE. A global function: to the
 * verifier its result is one unknown scalar, so that it checks the code after it once.
 */
__weak __noinline __u32 verdict_at_close(__u32 delivered, __u32 pending, __u32 malformed,
					 __u32 closer)
{
	if (delivered != SOCKS_VERDICT_NONE)
		return delivered;
	if (malformed == SOCKS_EVENT_MALFORMED)
		return SOCKS_VERDICT_FAILURE + ABI_FAILURE_PROTOCOL_ERROR;
	if (pending || closer == SESSION_CLOSED_BY_CLIENT)
		return SOCKS_VERDICT_FAILURE + ABI_FAILURE_CLIENT_ABORT;
	return SOCKS_VERDICT_FAILURE + ABI_FAILURE_SERVER_ABORT;
}

/*
 * Counts the outcome of a request that has none when its connection ends. `k`: that connection, or
 * its successor on the same ports.
 */
static __always_inline void session_settle(struct connection *k, const struct session_key *key,
					   struct session *s, __u64 now)
{
	struct dialogue *d = &s->dialogue;
	__u32 verdict = SOCKS_VERDICT_NONE;
	__u8 closer = s->closer;
	__u64 duration;
	int own = s->socket == k->id;

	/*
	 * The server received data (a FIN counts as one byte), but the packet programs saw none:
	 * the packets had another port (nft redirect).
	 */
	if (own && !d->client.next && !d->client.flags && !s->held_length &&
	    k->tcp->bytes_received > 1)
		count_loss(k->c, ABI_LOSS_PARSE);
	/*
	 * A success without a readable request: the request came in IP fragments, or a corrupt
	 * segment came before the correct one.
	 */
	if (!d->requested && d->verdict == SOCKS_VERDICT_SUCCESS &&
	    !(d->client.flags & DIALOGUE_LOST))
		count_loss(k->c, ABI_LOSS_PARSE);
	if (!d->requested && (d->settled || d->pending || d->malformed == SOCKS_EVENT_MALFORMED ||
			      d->client.flags & DIALOGUE_LOST)) {
		d->requested = 1;
		/* The server may have answered before the request was complete. */
		request_count(k->c, key,
			      socks_client_commanded(d->client.state) &&
					      !(d->client.flags & DIALOGUE_LOST)
				      ? d->command
				      : ABI_COMMAND_UNKNOWN);
	}
	if (!d->requested || d->settled)
		return;
	if (closer == SESSION_OPEN) /* no FIN, so a RST; a socket error means the client sent it */
		closer = own && k->sk->sk_err ? SESSION_CLOSED_BY_CLIENT : SESSION_CLOSED_BY_SERVER;
	if (d->pending && own && (__s32)(k->tcp->snd_una - d->server.isn - d->reply_end) >= 0) {
		verdict = d->verdict;
		now = d->reply_ns;
	}
	verdict = verdict_at_close(verdict, d->pending, d->malformed, closer);
	duration = dialogue_age(d, now);
	dialogue_settle(d, verdict, duration, k->c);
}

/*
 * Ends a session. First marks it as closed, so that the ingress side counts nothing more. The
 * caller whose delete succeeds settles the request. It uses a copy, since the kernel may reuse a
 * freed map value at once.
 */
static __always_inline void session_end(struct connection *k, const struct session_key *key,
					struct session *s, __u64 now)
{
	struct session last = {};
	int error;

	bpf_spin_lock(&s->lock);
	s->closed = 1;
	last.dialogue = s->dialogue;
	last.socket = s->socket;
	last.opened_ns = s->opened_ns;
	last.closer = s->closer;
	last.adopted = s->adopted;
	last.held_length = s->held_length;
	bpf_spin_unlock(&s->lock);
	error = map_delete(&sessions, key);
	if (error) {
		if (error != -ENOENT) /* -ENOENT: the other copy of the program has ended it */
			count_loss(k->c, ABI_LOSS_DELETE);
		return;
	}
	UNCOUNT(k->c->client_active);
	if (last.adopted)
		return;
	histogram_observe(&k->c->connection_duration, ABI_BOUNDS_LIFETIME, now - last.opened_ns);
	session_settle(k, key, &last, now);
}

static __always_inline int session_insert(struct connection *k, const struct session_key *key,
					  __u64 now)
{
	struct session new = { .opened_ns = now };

	new.socket = k->id;
	new.dialogue.client.isn = k->tcp->rcv_nxt;
	new.dialogue.server.isn = k->tcp->snd_nxt;
	new.retransmits = k->tcp->total_retrans; /* SYN-ACKs, which the program synack counts */
	return map_insert(&sessions, key, &new);
}

static __always_inline void session_begun(struct connection *k, const struct session_key *key,
					  __u64 now)
{
	struct session *s;

	COUNT(k->c->client_connections);
	COUNT(k->c->client_active);
	if (!early_is_possible(now))
		return;
	s = bpf_map_lookup_elem(&sessions, key);
	if (s)
		early_take(key, s, k->c);
}

/*
 * Handles a connection that is established (`opens`) or closed: a session begins, ends, or both.
 * Returns whether the connection is a client's. A closed socket may also be an upstream connection
 * whose local port equals a listener's.
 */
static __always_inline int session_changed(struct connection *k, const struct session_key *key,
					   int opens, int first_copy)
{
	__u64 now = bpf_ktime_get_ns();
	struct session *s;
	int error = 0;

	if (opens) {
		error = session_insert(k, key, now);
		if (!error)
			goto begun;
		if (error != -EEXIST)
			goto lost;
	}
	s = bpf_map_lookup_elem(&sessions, key);
	if (!s)
		return opens;
	if (!opens) {
		if (s->socket != k->id)
			return 0;
		retransmits_count(k, ABI_SIDE_CLIENT, &s->retransmits);
	} else if (s->socket == k->id) {
		if (!first_copy) /* the other copy has begun the session */
			return 1;
		/* The CLOSE of the socket's previous connection was lost. */
		count_loss(k->c, ABI_LOSS_RECURSION);
	}
	/*
	 * If a connection begins, its addresses and ports are in use again. The CLOSE of the
	 * previous connection was lost, or comes later: the socket leaves the hash tables before
	 * that event. The previous session ends here. A later CLOSE finds another socket in the
	 * entry and does nothing.
	 */
	session_end(k, key, s, now);
	if (!opens)
		return 1;
	if (session_insert(k, key, now))
		goto lost;
begun:
	session_begun(k, key, now);
	return 1;
lost:
	count_loss(k->c, ABI_LOSS_INSERT);
	return 1;
}

/* Records which side sent the first FIN. `id`: the socket. */
static __always_inline void session_half_closed(const struct session_key *key, __u64 id,
						enum session_closer closer)
{
	struct session *s = bpf_map_lookup_elem(&sessions, key);

	if (s && s->socket == id && s->closer == SESSION_OPEN)
		s->closer = closer;
}

/*
 * Adopts a connection that began before the programs were attached: it counts as active until it
 * ends, and its dialogue is unknown. Marks a known session as seen in this `round`.
 */
static __always_inline void session_adopt(struct connection *k, const struct session_key *key,
					  __u16 round)
{
	struct session *s = bpf_map_lookup_elem(&sessions, key), new = {};

	if (s) {
		if (s->socket == k->id)
			s->seen = round;
		return;
	}
	new.socket = k->id;
	new.adopted = 1;
	new.seen = round;
	new.retransmits = k->tcp->total_retrans;
	new.dialogue.client.flags = DIALOGUE_DONE;
	new.dialogue.server.flags = DIALOGUE_DONE;
	if (map_insert(&sessions, key, &new) == 0)
		COUNT(k->c->client_active);
	else
		count_loss(k->c, ABI_LOSS_INSERT);
}

/*
 * ---- upstream connections ----
 *
 * Their key is the socket: at SYN_SENT a connection may have no local port yet.
 */

/*
 * Returns the errno of an ICMP message received during connect(), or 0. The proxy's own firewall or
 * tunnel may send such a message. sk_err is 0 once the server has read SO_ERROR. But the message
 * stays in the error queue (Linux 5.13 and later) with its errno, whose lowest byte is enough.
 */
static __always_inline int icmp_error(const struct sock *sk)
{
	const struct sk_buff *last = sk->sk_error_queue.prev;
	const __u8 *cb = (const __u8 *)last->cb;
	__u8 origin;

	if (!sk->sk_error_queue.qlen)
		return 0;
	origin = cb[bpf_core_field_offset(struct sock_exterr_skb, ee.ee_origin)];
	if (origin != SO_EE_ORIGIN_ICMP && origin != SO_EE_ORIGIN_ICMP6)
		return 0;
	return cb[bpf_core_field_offset(struct sock_exterr_skb, ee.ee_errno)];
}

static __always_inline enum abi_upstream_failure upstream_failure_of(const struct connection *k)
{
	int error = k->sk->sk_err;

	if (!error)
		error = k->sk->sk_err_soft;
	if (!error)
		error = icmp_error(k->sk);
	if (!error && !k->tcp->segs_out) /* no SYN was sent: no free port, or no memory */
		return ABI_UPSTREAM_OTHER;
	switch (error) { /* asm-generic/errno.h: the same on x86-64 and arm64 */
	case 111: return ABI_UPSTREAM_REFUSED;
	case 110: return ABI_UPSTREAM_TIMED_OUT;
	case 113: return ABI_UPSTREAM_HOST_UNREACHABLE;
	case 101: return ABI_UPSTREAM_NETWORK_UNREACHABLE;
	case 104: return ABI_UPSTREAM_RESET;
	case 103: /* an administrator's ss -K */
	case 0: return ABI_UPSTREAM_ABORTED;
	}
	return ABI_UPSTREAM_OTHER;
}

/* Updates the counters after the entry of an upstream connection was deleted. */
static __always_inline void upstream_ended(struct connection *k, int established,
					   enum abi_upstream_failure failure)
{
	if (established) {
		UNCOUNT(k->c->upstream_active);
	} else {
		UNCOUNT(k->c->upstream_pending);
		COUNT(ABI_AT(__u64, k->c->upstream_failures, failure));
	}
}

static __always_inline void upstream_started(struct connection *k, int first_copy)
{
	struct upstream new = {
		.started_ns = bpf_ktime_get_ns(),
		.slot = k->slot,
		.generation = k->proxy->generation,
		.retransmits = k->tcp->total_retrans,
	};
	int error = map_insert(&upstreams, &k->id, &new);

	/* The CLOSE of the socket's previous connection was lost. */
	if (error == -EEXIST && first_copy) {
		struct upstream *u = bpf_map_lookup_elem(&upstreams, &k->id);
		int established = u && u->established;

		count_loss(k->c, ABI_LOSS_RECURSION);
		if (map_delete(&upstreams, &k->id) == 0)
			upstream_ended(k, established, ABI_UPSTREAM_OTHER);
		error = map_insert(&upstreams, &k->id, &new);
	}
	if (error == 0) {
		COUNT(k->c->upstream_connects);
		COUNT(k->c->upstream_pending);
	} else if (error != -EEXIST) {
		count_loss(k->c, ABI_LOSS_INSERT);
	}
}

static __always_inline void upstream_established(struct connection *k)
{
	struct upstream *u = bpf_map_lookup_elem(&upstreams, &k->id);

	if (!u || u->established)
		return;
	u->established = 1;
	COUNT(k->c->upstream_active);
	UNCOUNT(k->c->upstream_pending);
	histogram_observe(&k->c->upstream_connect_duration, ABI_BOUNDS_LATENCY,
			  bpf_ktime_get_ns() - u->started_ns);
}

/*
 * Marks a connection as established whose ESTABLISHED the kernel hid from every tracing program.
 * Counts a loss; the histogram lacks the duration, which is unknown.
 */
static __always_inline void upstream_established_unseen(struct connection *k, struct upstream *u)
{
	u->established = 1;
	COUNT(k->c->upstream_active);
	UNCOUNT(k->c->upstream_pending);
	count_loss(k->c, ABI_LOSS_RECURSION);
}

static __always_inline void upstream_closed(struct connection *k, int from)
{
	struct upstream *u = bpf_map_lookup_elem(&upstreams, &k->id);
	int established;
	int error;

	if (!u)
		return;
	if (!u->established && from != TCP_SYN_SENT && from != TCP_SYN_RECV)
		upstream_established_unseen(k, u);
	established = u->established;
	retransmits_count(k, ABI_SIDE_UPSTREAM, &u->retransmits);
	error = map_delete(&upstreams, &k->id);
	if (error) {
		if (error != -ENOENT)
			count_loss(k->c, ABI_LOSS_DELETE);
		return;
	}
	upstream_ended(k, established, established ? ABI_UPSTREAM_OTHER : upstream_failure_of(k));
}
