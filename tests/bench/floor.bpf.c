// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The baseline for the exporter's programs: programs that do nothing, at the same hooks.
 * count_transition counts the events at one of them.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile __u32 netns_inode = 0;

__u64 transitions_watched = 0;
__u64 transitions_others = 0;

SEC("tc")
int floor_packet(struct __sk_buff *skb)
{
	return -1; /* TC_ACT_UNSPEC, TCX_NEXT */
}

SEC("tp_btf/inet_sock_set_state")
int floor_transition(void *ctx)
{
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(count_transition, const struct sock *sk)
{
	if (sk->__sk_common.skc_net.net->ns.inum == netns_inode)
		__sync_fetch_and_add(&transitions_watched, 1);
	else
		__sync_fetch_and_add(&transitions_others, 1);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
