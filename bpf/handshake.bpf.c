// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* WireGuard's handshake messages, called by the programs of underlay.bpf.c for UDP of their size. */
#include "maps.h"
#include "packet.h"

SEC("tc")
int handshake(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
