/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * WireGuard's handshake messages as they stand on the wire (protocol paper, sections 5.4.2
 * and 5.4.3): one byte of type, three of zero, then the sender's index; in a response the
 * initiation's index follows that.
 */
#ifndef WGSOCKS_BPF_PARSE_WIREGUARD_H
#define WGSOCKS_BPF_PARSE_WIREGUARD_H

#include "ip.h"

#define HANDSHAKE_INITIATION 1
#define HANDSHAKE_RESPONSE 2

/* Where the message lies that handshake_read took for one. */
#define HANDSHAKE_SENDER 4
#define HANDSHAKE_RECEIVER 8 /* of a response */

/* Reads one datagram of the given size at `offset`: its type, 0 where it is none. A global
 * function: verified once. */
__weak __noinline __u32 handshake_read(struct __sk_buff *skb, __u32 offset, __u32 size)
{
	__u8 head[4];

	if (size != HANDSHAKE_INITIATION_SIZE && size != HANDSHAKE_RESPONSE_SIZE)
		return 0;
	if (offset > skb->len || size > skb->len - offset ||
	    bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
		return 0;
	if (head[1] | head[2] | head[3])
		return 0;
	if (head[0] == HANDSHAKE_INITIATION && size == HANDSHAKE_INITIATION_SIZE)
		return HANDSHAKE_INITIATION;
	return head[0] == HANDSHAKE_RESPONSE && size == HANDSHAKE_RESPONSE_SIZE ? HANDSHAKE_RESPONSE
										: 0;
}

#endif
