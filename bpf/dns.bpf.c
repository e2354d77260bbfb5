// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* DNS messages, called by the programs of underlay.bpf.c and tunnel.bpf.c for port 53. */
#include "maps.h"
#include "packet.h"

SEC("tc")
int dns_udp(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int dns_tcp(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
