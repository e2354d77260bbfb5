/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * WireGuard messages on the wire (wireguard.com/papers/wireguard.pdf, section 5.4): a type byte,
 * three zero bytes, the sender's index. In a response, the index of its initiation follows.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum wireguard_message {
	WIREGUARD_NONE,
	WIREGUARD_INITIATION, /* from here on, the values are the type bytes 1 … 4 */
	WIREGUARD_RESPONSE,
	WIREGUARD_COOKIE,
	WIREGUARD_DATA,
};

/* Bytes of UDP payload: sections 5.4.2, 5.4.3, 5.4.7 and 5.4.6 of the paper. */
#define WIREGUARD_INITIATION_SIZE 148
#define WIREGUARD_RESPONSE_SIZE 92
#define WIREGUARD_COOKIE_SIZE 64
#define WIREGUARD_DATA_MIN 32

/* Offsets of the indices in a handshake message. */
#define WIREGUARD_SENDER 4
#define WIREGUARD_RECEIVER 8 /* in a response */

/*
 * Returns the type of the handshake message of `size` bytes at `offset`, or WIREGUARD_NONE if there
 * is no such message. A global function, so that the verifier checks it once.
 */
__weak __noinline __u32 handshake_read(struct __sk_buff *skb, __u32 offset, __u32 size)
{
	__u8 head[4];

	if (size != WIREGUARD_INITIATION_SIZE && size != WIREGUARD_RESPONSE_SIZE)
		return WIREGUARD_NONE;
	if (offset > skb->len || size > skb->len - offset ||
	    bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
		return WIREGUARD_NONE;
	if (head[1] | head[2] | head[3])
		return WIREGUARD_NONE;
	if (head[0] == WIREGUARD_INITIATION && size == WIREGUARD_INITIATION_SIZE)
		return WIREGUARD_INITIATION;
	if (head[0] == WIREGUARD_RESPONSE && size == WIREGUARD_RESPONSE_SIZE)
		return WIREGUARD_RESPONSE;
	return WIREGUARD_NONE;
}

/*
 * Whether a datagram to or from port 53 has the format of a WireGuard message and not of a DNS
 * message. A data message has any size, but the upper half of its counter is 0, where a query has
 * its QTYPE. The other messages have random bytes where a query without flags has its record counts
 * (one question, no other records).
 */
static __always_inline int wireguard_has_form(struct __sk_buff *skb, __u32 offset, __u32 size)
{
	__u8 m[16];

	if (bpf_skb_load_bytes(skb, offset, m, sizeof(m)) || m[1] | m[2] | m[3])
		return 0;
	if (m[0] == WIREGUARD_DATA)
		return size >= WIREGUARD_DATA_MIN && !(m[12] | m[13] | m[14] | m[15]);
	if (m[5] == 1 && !(m[4] | m[6] | m[7] | m[8] | m[9] | m[10]))
		return 0;
	switch (m[0]) {
	case WIREGUARD_INITIATION: return size == WIREGUARD_INITIATION_SIZE;
	case WIREGUARD_RESPONSE: return size == WIREGUARD_RESPONSE_SIZE;
	case WIREGUARD_COOKIE: return size == WIREGUARD_COOKIE_SIZE;
	}
	return 0;
}
