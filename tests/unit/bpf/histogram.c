// SPDX-License-Identifier: Apache-2.0
/* The bucket of a value: the binary search of bpf/count.h against looking at each bound in turn. */
#include "kernel.h"
#include "bpf/count.h"

#include <criterion/criterion.h>

static __u32 naive_bucket(__u32 which, __u64 value)
{
	__u32 i = 0;

	while (i < ABI_HISTOGRAM_BUCKETS - 1 && value > histogram_bounds[which][i])
		i++;
	return i;
}

static void check(__u32 which, __u64 value)
{
	cr_assert_eq(histogram_bucket(which, value), naive_bucket(which, value),
		     "bounds %u, value %llu: %u, not %u", which, value,
		     histogram_bucket(which, value), naive_bucket(which, value));
}

Test(histogram_bucket, around_each_bound)
{
	for (__u32 which = 0; which < ABI_BOUNDS_MAX; which++) {
		for (int i = 0; i < ABI_HISTOGRAM_BUCKETS - 1; i++) {
			__u64 bound = histogram_bounds[which][i];

			cr_assert(!i || bound > histogram_bounds[which][i - 1], "bounds must rise");
			for (__u64 value = bound - 3; value <= bound + 3; value++)
				check(which, value);
			cr_assert_eq(histogram_bucket(which, bound), (__u32)i,
				     "a bound is in its own bucket (le)");
			cr_assert_eq(histogram_bucket(which, bound + 1), (__u32)i + 1);
		}
		check(which, 0);
		check(which, ~0ULL);
	}
}

/* All magnitudes: each power of two with many values around and above it. */
Test(histogram_bucket, everywhere)
{
	__u64 random = 88172645463325252ULL;

	for (int i = 0; i < 400000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		check(i & 1, random >> (random & 63));
	}
}

Test(histogram_observe, each_value_counts_once)
{
	struct abi_histogram h = {};
	__u64 count = 0, sum = 0;

	for (__u64 value = 1; value < ABI_S(200000); value += value / 3 + 1) {
		histogram_observe(&h, ABI_BOUNDS_LIFETIME, value);
		sum += value;
		count++;
		cr_assert_eq(h.sum_ns, sum);
	}
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++) {
		cr_expect_gt(h.buckets[i], 0, "bucket %d", i);
		count -= h.buckets[i];
	}
	cr_assert_eq(count, 0);
}
