/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * WireGuard's handshake messages as they stand on the wire (protocol paper, sections 5.4.2 and 5.4.3): one byte of
 * type, three of zero, then the sender's index; in a response the initiation's index follows that.
 */
#ifndef WGSOCKS_BPF_HANDSHAKE_H
#define WGSOCKS_BPF_HANDSHAKE_H

#include "packet.h"

#define HANDSHAKE_INITIATION 1
#define HANDSHAKE_RESPONSE 2
#define HANDSHAKE_INITIATION_SIZE 148
#define HANDSHAKE_RESPONSE_SIZE 92

/* The type, and the index by which the two are matched: low and high half. 0: it is none. */
#define HANDSHAKE_TYPE(h) ((__u32)(h))
#define HANDSHAKE_INDEX(h) ((__u32)((h) >> 32))

/* Reads one datagram of the given size at `offset`. A global function: its result is a scalar, verified once. */
__weak __noinline __u64 handshake_read(struct __sk_buff *skb, __u32 offset, __u32 size)
{
	__u8 head[12];
	__u32 index;

	if (size != HANDSHAKE_INITIATION_SIZE && size != HANDSHAKE_RESPONSE_SIZE)
		return 0;
	if (offset + size > skb->len || bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
		return 0;
	if (head[1] | head[2] | head[3])
		return 0;
	if (head[0] == HANDSHAKE_INITIATION && size == HANDSHAKE_INITIATION_SIZE)
		__builtin_memcpy(&index, head + 4, sizeof(index));
	else if (head[0] == HANDSHAKE_RESPONSE && size == HANDSHAKE_RESPONSE_SIZE)
		__builtin_memcpy(&index, head + 8, sizeof(index));
	else
		return 0;
	return head[0] | (__u64)index << 32;
}

#endif
