// SPDX-License-Identifier: Apache-2.0
/*
 * Detects TCP state transitions that no tracing program sees: some kernels run no tracing program
 * in a softirq that interrupts certain processes (docs/design/losses.md). Each transition has the
 * state before it. If that differs from the state of the last transition seen, one was hidden.
 * There are two copies, since the recursion guard may skip an event in one.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SOCKETS 65536
#define NAMESPACES 1024
#define CB_SEGMENTS 8 /* tcp_gso_segs in struct tcp_skb_cb */

struct namespace_count {
	__u64 opened, closed, broken;
	__u64 resent; /* segments, as the kernel's TcpRetransSegs */
};

#define WITNESS(name)                                                                  \
	struct {                                                                       \
		__uint(type, BPF_MAP_TYPE_HASH);                                       \
		__uint(max_entries, SOCKETS);                                          \
		__type(key, __u64);                                                    \
		__type(value, int);                                                    \
	} name##_states SEC(".maps");                                                  \
	struct {                                                                       \
		__uint(type, BPF_MAP_TYPE_HASH);                                       \
		__uint(max_entries, NAMESPACES);                                       \
		__type(key, __u32);                                                    \
		__type(value, struct namespace_count);                                 \
	} name##_counts SEC(".maps");                                                  \
	SEC("tp_btf/tcp_retransmit_skb")                                               \
	int BPF_PROG(name##_segment, const struct sock *sk, const struct sk_buff *skb) \
	{                                                                              \
		resent_take(&name##_counts, sk, *(__u16 *)(skb->cb + CB_SEGMENTS));    \
		return 0;                                                              \
	}                                                                              \
	SEC("tp_btf/tcp_retransmit_synack")                                            \
	int BPF_PROG(name##_synack, const struct sock *sk)                             \
	{                                                                              \
		resent_take(&name##_counts, sk, 1);                                    \
		return 0;                                                              \
	}                                                                              \
	SEC("tp_btf/inet_sock_set_state")                                              \
	int BPF_PROG(name, const struct sock *sk, int from, int to)                    \
	{                                                                              \
		transition_take(&name##_states, &name##_counts, sk, from, to);         \
		return 0;                                                              \
	}

static __always_inline struct namespace_count *count_find(void *counts, const struct sock *sk)
{
	struct namespace_count none = { 0 };
	__u32 inode = sk->__sk_common.skc_net.net->ns.inum;

	bpf_map_update_elem(counts, &inode, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(counts, &inode);
}

static __always_inline void transition_take(void *states, void *counts, const struct sock *sk,
					    int from, int to)
{
	struct namespace_count *count = count_find(counts, sk);
	__u64 key = (__u64)(long)sk;
	int *last = bpf_map_lookup_elem(states, &key);
	bool opens = from == TCP_CLOSE || (from == TCP_LISTEN && to == TCP_SYN_RECV);

	if (!count)
		return;
	if (last && *last != from)
		__sync_fetch_and_add(&count->broken, 1);
	if (opens)
		__sync_fetch_and_add(&count->opened, 1);
	if (to == TCP_CLOSE) {
		__sync_fetch_and_add(&count->closed, 1);
		bpf_map_delete_elem(states, &key);
	} else {
		bpf_map_update_elem(states, &key, &to, BPF_ANY);
	}
}

static __always_inline void resent_take(void *counts, const struct sock *sk, __u16 segments)
{
	struct namespace_count *count = count_find(counts, sk);

	if (count)
		__sync_fetch_and_add(&count->resent, segments);
}

WITNESS(blind_a)
WITNESS(blind_b)

char _license[] SEC("license") = "GPL";
