/* SPDX-License-Identifier: Apache-2.0 */
/* A small snapshot with a sample of each kind. */
#pragma once

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "lib/metrics/metrics.h"
#include "lib/snapshot/snapshot.h"

#define MAKE_ID 42

static inline void make_samples(struct snapshot_builder *b)
{
	struct abi_histogram histogram = { .buckets = { 1, 2, 3 }, .sum_ns = 1500000001 };
	uint32_t labels[2];

	labels[0] = snapshot_string(b, "crab");
	snapshot_add_history(b, labels[0])->known = 1;
	labels[1] = snapshot_string(b, "connect");
	snapshot_add_unsigned(b, METRIC_PROXY_REQUESTS, labels, UINT64_MAX);
	labels[1] = snapshot_string(b, "success");
	snapshot_add_histogram(b, METRIC_PROXY_REQUEST_DURATION, labels, ABI_BOUNDS_LATENCY,
			       &histogram);
	snapshot_add_float(b, METRIC_PROCESS_CPU, NULL, 0.25);
}

/* In memory of exactly its length, so that the sanitizer finds reads beyond it. */
static inline void *make_block(size_t *length)
{
	struct snapshot_builder b = { 0 };
	int64_t bytes;
	void *block;

	make_samples(&b);
	bytes = snapshot_length(&b);
	cr_assert_gt(bytes, 0);
	block = malloc((size_t)bytes);
	snapshot_write(&b, MAKE_ID, block);
	snapshot_free(&b);
	*length = (size_t)bytes;
	return block;
}
