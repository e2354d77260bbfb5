/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces the parts of the kernel that bpf/ uses, and checks rules of the verifier at run time:
 * include it before any header of bpf/.
 */
#pragma once

#include "fuzz.h"

#pragma GCC diagnostic ignored "-Wunknown-attributes" /* clang's for BPF, in vmlinux.h */
#pragma GCC diagnostic ignored "-Wunused-function"

#include "unit/bpf/kernel.h"

static int kernel_locked;

static inline void kernel_lock(struct bpf_spin_lock *lock)
{
	CHECK(lock && !kernel_locked);
	kernel_locked = 1;
}

static inline void kernel_unlock(struct bpf_spin_lock *lock)
{
	CHECK(lock && kernel_locked);
	kernel_locked = 0;
}

static inline __u64 kernel_time(void)
{
	static __u64 now;

	CHECK(!kernel_locked, "a helper under the lock");
	return now += 1000;
}

static inline long kernel_load(const void *skb, __u32 offset, void *to, __u32 length)
{
	CHECK(!kernel_locked, "a helper under the lock");
	return bpf_skb_load_bytes(skb, offset, to, length);
}

/* There are no maps: each look-up fails. */
static inline void *kernel_lookup(const void *map, const void *key)
{
	CHECK(map && key && !kernel_locked, "a helper under the lock");
	return NULL;
}

/* With an argument list, so that the struct of the name keeps it. */
#define bpf_spin_lock(lock) kernel_lock(lock)
#define bpf_spin_unlock(lock) kernel_unlock(lock)
#define bpf_map_lookup_elem(map, key) kernel_lookup(map, key)
#define bpf_ktime_get_ns() kernel_time()
#define bpf_skb_load_bytes(skb, offset, to, length) kernel_load(skb, offset, to, length)
