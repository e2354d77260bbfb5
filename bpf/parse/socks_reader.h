/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Applies the grammar of socks.h to the bytes of a segment and to the held bytes of a session. */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include <wgsocks/abi.h>

#include "socks.h"

/*
 * Steps in one segment. The longest SOCKS5 dialogue with authentication takes 14. SOCKS4 takes 9,
 * and one more for each SCAN_MAX bytes of user and name. A server limits these to 255 bytes each,
 * so SOCKS4 takes at most 9 + 8 + 8.
 */
#define DIALOGUE_STEPS_MAX 25
#define SERVER_STEPS_MAX 6 /* two bytes of method, two of authentication, two of reply */
#define SCAN_MAX 32

/*
 * The reader consists of global functions that take and return scalars. The verifier checks each
 * function once, however many callers it has. Loops hold only unknown scalars, so their rounds look
 * alike. The verifier processes 2,000 instructions; for one inlined loop over map memory it
 * processes 65,000.
 *
 * A result is packed: bytes read, state, bytes still to be skipped, and an event with its byte. A
 * segment has at most 2^20 bytes.
 */
#define READ_PACK(consumed, state, skip, event, byte)                               \
	((__u64)((consumed)&0xfffff) | (__u64)(event) << 20 | (__u64)(byte) << 32 | \
	 (__u64)(state) << 40 | (__u64)(skip) << 48)
#define READ_CONSUMED(r) ((__u32)(r)&0xfffff)
#define READ_EVENT(r) ((__u32)((r) >> 20) & 0xff)
#define READ_BYTE(r) ((__u32)((r) >> 32) & 0xff)
#define READ_STATE(r) ((__u32)((r) >> 40) & 0xff)
#define READ_SKIP(r) ((__u32)((r) >> 48) & 0xffff)

/*
 * Returns the smaller of `length`, which is not 0, and `max`. Verifiers up to Linux 6.1 learn no
 * lower bound from a comparison with 0 and would reject the read as one of 0 bytes. Therefore the
 * length minus 1 is compared. The asm keeps clang from undoing this.
 */
static __always_inline __u32 read_length(__u32 length, __u32 max)
{
	__u32 more = length - 1;

	asm volatile("" : "+r"(more));
	if (more >= max)
		more = max - 1;
	asm volatile("" : "+r"(more));
	return more + 1;
}

/* Returns how many of the next bytes, at most SCAN_MAX, precede a NUL. */
__noinline __u32 scan_to_nul(struct __sk_buff *skb, __u32 offset, __u32 length)
{
	__u8 bytes[SCAN_MAX] = {};

	if (!length)
		return 0;
	length = read_length(length, SCAN_MAX);
	if (bpf_skb_load_bytes(skb, offset, bytes, length))
		return 0;
	for (__u32 i = 0; i < SCAN_MAX; i++) {
		if (i >= length || !bytes[i])
			return i;
	}
	return SCAN_MAX;
}

/* Returns the enum abi_command of a CMD byte: RFC 1928, section 4. */
static __always_inline __u8 command_of(__u8 byte)
{
	return byte >= 1 && byte <= 3 ? byte - 1 : ABI_COMMAND_UNKNOWN;
}

/* Global forms of the functions of socks.h. */
__noinline __u32 client_next(__u32 state, __u32 byte)
{
	return socks_client_next(state, byte & 0xff);
}

__noinline __u32 client_leave(__u32 state)
{
	return socks_client_after(state);
}

/* Reads one field, or a part of one. `left`: bytes of the segment from `offset` on. */
__noinline __u64 client_step(struct __sk_buff *skb, __u32 offset, __u32 left, __u32 state,
			     __u32 skip)
{
	__u8 byte = 0;
	__u32 n;

	if (skip) {
		n = left < skip ? left : skip;
		return READ_PACK(n, n == skip ? client_leave(state) : state, skip - n, 0, 0);
	}
	if (socks_client_scans(state)) {
		n = scan_to_nul(skb, offset, left);
		if (n)
			return READ_PACK(n, state, 0, 0, 0);
	}
	if (bpf_skb_load_bytes(skb, offset, &byte, 1))
		return 0;
	n = client_next(state, byte);
	return READ_PACK(1, SOCKS_STEP_STATE(n), SOCKS_STEP_SKIP(n), SOCKS_STEP_EVENT(n),
			 command_of(byte));
}

/*
 * Reads the client's side as far as possible. Returns a READ_PACK. Its event: none, COMMAND with an
 * enum abi_command as byte, FOREIGN or MALFORMED.
 */
__noinline __u64 client_read(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 state,
			     __u32 skip)
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

/* The same for up to eight held bytes, the first in the lowest bits. Stops after an event. */
__noinline __u64 client_read_word(__u64 word, __u32 length, __u32 state, __u32 skip)
{
	__u32 consumed = 0, event = 0, byte = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 8; i++) {
		__u32 n = word & 0xff;

		if (consumed >= length || state == SOCKS_CLIENT_DONE)
			break;
		consumed++;
		word >>= 8;
		if (skip) {
			skip--;
			if (!skip)
				state = client_leave(state);
			continue;
		}
		byte = command_of(n);
		n = client_next(state, n);
		state = SOCKS_STEP_STATE(n);
		skip = SOCKS_STEP_SKIP(n);
		if (SOCKS_STEP_EVENT(n)) {
			event = SOCKS_STEP_EVENT(n);
			break; /* the caller continues after it */
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

/*
 * Reads the server's side up to the byte that decides the outcome. Returns a READ_PACK: `event` is
 * the verdict, `byte` the chosen authentication method (0: none chosen).
 */
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
