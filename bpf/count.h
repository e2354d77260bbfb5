/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Updates counters, losses and histograms in map memory. */
#pragma once

#include "maps.h"

/* Atomic adds. Do not use the result: then each is one instruction on every supported kernel. */
#define COUNT(field) __sync_fetch_and_add(&(field), 1)
#define UNCOUNT(field) __sync_fetch_and_add(&(field), -1)
#define COUNT_BY(field, n) __sync_fetch_and_add(&(field), n)

static __always_inline void count_loss(struct proxy_counters *c, enum abi_loss cause)
{
	if (c && cause < ABI_LOSS_MAX)
		COUNT(ABI_AT(__u64, c->losses, cause));
}

static const __u64 histogram_bounds[ABI_BOUNDS_MAX][ABI_HISTOGRAM_BUCKETS - 1] =
	ABI_HISTOGRAM_BOUNDS;

/*
 * Returns the first bucket whose bound is not below the value, or 16 for a value above all bounds:
 * four steps of a binary search. `which`: enum abi_histogram_bounds. A global function: to the
 * verifier its result is one unknown scalar, instead of 17 branches that multiply with all code
 * that follows. Weak, since several program files include it.
 */
__weak __noinline __u32 histogram_bucket(__u32 which, __u64 value_ns)
{
	const __u64 *bounds = histogram_bounds[which ? 1 : 0];
	__u32 i = 0;

	if (value_ns > bounds[7])
		i = 8;
	if (value_ns > bounds[i + 3])
		i += 4;
	if (value_ns > bounds[i + 1])
		i += 2;
	if (value_ns > bounds[i])
		i += 1;
	if (i == 15 && value_ns > bounds[15])
		i = 16;
	return i;
}

static __always_inline void histogram_observe(struct abi_histogram *h,
					      enum abi_histogram_bounds which, __u64 value_ns)
{
	__u32 i = histogram_bucket(which, value_ns);

	if (i >= ABI_HISTOGRAM_BUCKETS)
		return;
	COUNT(h->buckets[i]);
	COUNT_BY(h->sum_ns, value_ns);
}
