/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces the parts of the kernel and libbpf that bpf/ uses, for user space: include it before any
 * header of bpf/. The only helper that bpf/parse/ calls reads a packet of the test, whose linear
 * part may end anywhere.
 */
#pragma once

/* For the warnings of the other compiler. */
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunknown-pragmas" /* clang's, in vmlinux.h */
#pragma GCC diagnostic ignored "-Wunused-variable" /* helpers that no test needs */

#include "vmlinux.h"
#define bpf_skb_load_bytes bpf_skb_load_bytes_of_the_kernel
#include <bpf/bpf_helpers.h>
#undef bpf_skb_load_bytes

static const __u8 *packet_bytes; /* all of the packet: skb->len bytes */

static inline long bpf_skb_load_bytes(const void *skb, __u32 offset, void *to, __u32 length)
{
	__u32 size = ((const struct __sk_buff *)skb)->len;

	if (offset > size || length > size - offset)
		return -14; /* EFAULT */
	__builtin_memcpy(to, packet_bytes + offset, length);
	return 0;
}
