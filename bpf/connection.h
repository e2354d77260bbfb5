/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the proxy that owns a kernel socket. */
#pragma once

#include "maps.h"
#include "parse/ip.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_DEAD 0 /* enum sock_flags, include/net/sock.h: the bit in skc_flags */

/* Set between open and load: in a sidecar the table has fewer buckets. */
const volatile __u32 netns_mask __weak = ABI_NETNS_BUCKETS - 1;

/* The parts of a TCP socket that the handlers read. `id` is its address, used as identity only. */
struct connection {
	const struct sock *sk;
	const struct tcp_sock *tcp;
	struct proxy *proxy;
	struct proxy_counters *c;
	__u64 id;
	__u32 slot;
	__u16 local_port;
};

/* Returns the slot of the socket's network namespace, or -1 if it is not watched. */
static __always_inline int slot_of(const struct sock_common *sk)
{
	__u32 inode = sk->skc_net.net->ns.inum, index = inode & netns_mask;
	const struct netns_bucket *b = bpf_map_lookup_elem(&netns, &index);

	if (!b)
		return -1;
	for (int i = 0; i < ABI_NETNS_WAYS; i++) {
		if (b->ways[i].inode == inode)
			return b->ways[i].slot;
	}
	return -1;
}

/* Sets all members but `id`. Returns 0, or -1 if the maps have no such slot. */
static __always_inline int connection_set(struct connection *k, const struct tcp_sock *tcp,
					  int slot)
{
	k->tcp = tcp;
	k->slot = slot;
	k->proxy = proxy_of(slot);
	k->c = counters_of(slot);
	if (!k->proxy || !k->c)
		return -1;
	k->sk = &tcp->inet_conn.icsk_inet.sk;
	k->local_port = bpf_ntohs(tcp->inet_conn.icsk_inet.inet_sport); /* skc_num is 0 by CLOSE */
	return 0;
}

/* Sets `k` for a socket whose slot is known. Returns 0, or -1 if it is not a full TCP socket. */
static __always_inline int connection_read(struct connection *k, const struct sock_common *sk,
					   int slot)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);

	k->id = (__u64)(long)sk;
	return tcp ? connection_set(k, tcp, slot) : -1;
}

/*
 * The same, and finds the slot. Returns -1 also for an unwatched namespace. For rare events: it
 * calls the helper before it reads the namespace. On Linux 6.4 and later, reading a pointer through
 * a trusted pointer makes the verifier scan the kernel's BTF, 2 ms for each program.
 */
static __always_inline int connection_of(struct connection *k, void *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	int slot;

	if (!tcp)
		return -1;
	k->id = (__u64)(long)sk;
	slot = slot_of(&tcp->inet_conn.icsk_inet.sk.__sk_common);
	return slot < 0 ? -1 : connection_set(k, tcp, slot);
}

/*
 * Whether no process has the socket open and it waits for a FIN that may never arrive. Neither ss
 * nor an operator counts it as a connection.
 */
static __always_inline int is_orphan(const struct connection *k, int to)
{
	return to == TCP_FIN_WAIT2 && k->sk->__sk_common.skc_flags & 1 << SOCK_DEAD;
}
