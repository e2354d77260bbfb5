// SPDX-License-Identifier: Apache-2.0
#include "make.h"

#include <errno.h>

Test(builder, what_is_written_can_be_read)
{
	struct snapshot s;
	size_t length;
	void *block = make_block(&length);

	cr_assert_eq(snapshot_open(&s, block, length, MAKE_ID), 0);
	cr_assert_eq(s.sample_count, 3);
	cr_expect_eq(s.samples[0].family, METRIC_PROXY_REQUESTS);
	cr_expect_eq(s.samples[0].value.u, UINT64_MAX);
	cr_expect_str_eq(s.strings + s.samples[0].labels[0], "crab");
	cr_expect_str_eq(s.strings + s.samples[0].labels[1], "connect");
	cr_expect_eq(s.samples[1].labels[0], s.samples[0].labels[0], "one name, once");
	cr_expect_eq(s.histograms[s.samples[1].value.histogram].buckets[2], 3);
	cr_expect_eq(s.histograms[s.samples[1].value.histogram].sum_ns, 1500000001);
	cr_expect_eq(s.samples[2].value.f, 0.25);
	free(block);
}

Test(builder, empty)
{
	struct snapshot_builder b = { 0 };
	_Alignas(8) char block[64];
	struct snapshot s;

	cr_assert_eq(snapshot_length(&b), sizeof(struct snapshot_header));
	snapshot_write(&b, 7, block);
	cr_expect_eq(snapshot_open(&s, block, sizeof(struct snapshot_header), 7), 0);
	cr_expect_eq(s.sample_count, 0);
}

Test(builder, is_kept_for_reuse)
{
	struct snapshot_builder b = { 0 };
	const void *samples, *strings;

	make_samples(&b);
	samples = b.samples;
	strings = b.strings;
	snapshot_reset(&b);
	cr_expect_eq(snapshot_length(&b), sizeof(struct snapshot_header));
	make_samples(&b);
	cr_expect_eq(b.samples, samples);
	cr_expect_eq(b.strings, strings);
	cr_expect_eq(b.sample_count, 3);
	snapshot_free(&b);
	cr_expect_null(b.samples);
}

Test(builder, grows)
{
	struct snapshot_builder b = { 0 };
	struct abi_histogram histogram = { .sum_ns = 1 };
	struct snapshot s;
	uint32_t labels[2];

	for (uint64_t i = 0; i < 10000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "proxy-%llu", (unsigned long long)i);
		labels[0] = labels[1] = snapshot_string(&b, name);
		snapshot_add_unsigned(&b, METRIC_PROXY_REQUESTS, labels, i);
		snapshot_add_histogram(&b, METRIC_PROXY_REQUEST_DURATION, labels, 0, &histogram);
	}
	cr_assert_eq(b.error, 0);
	snapshot_view(&s, &b);
	cr_assert_eq(s.sample_count, 20000);
	cr_expect_eq(s.samples[19998].value.u, 9999);
	cr_expect_str_eq(s.strings + s.samples[19998].labels[0], "proxy-9999");
	cr_expect_eq(s.samples[19999].value.histogram, 9999);
	snapshot_free(&b);
}

static const char *stored(const char *text)
{
	static struct snapshot_builder b;
	uint32_t at;

	snapshot_reset(&b);
	snapshot_string(&b, "x");
	at = snapshot_string(&b, text);
	return b.strings + at;
}

Test(builder, invalid_utf8_is_replaced)
{
	cr_expect_str_eq(stored("gr\xc3\xbcn \xf0\x9f\xa6\x80"), "gr\xc3\xbcn \xf0\x9f\xa6\x80");
	cr_expect_str_eq(stored("a\xff"
				"b"),
			 "a\xef\xbf\xbd"
			 "b");
	cr_expect_str_eq(stored("\xc3"), "\xef\xbf\xbd");
	cr_expect_str_eq(stored("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
			 "a surrogate");
	cr_expect_str_eq(stored(""), "");
}

Test(builder, what_cannot_be_printed_is_an_error)
{
	struct snapshot_builder b = { 0 };
	struct abi_histogram histogram = { .sum_ns = 1 };
	uint32_t labels[2] = { 0, 1000 };

	snapshot_add_unsigned(&b, METRIC_MAX, labels, 1);
	cr_expect_eq(snapshot_length(&b), -EINVAL, "no such family");
	snapshot_reset(&b);
	snapshot_string(&b, "crab");
	snapshot_add_unsigned(&b, METRIC_PROXY_REQUESTS, labels, 1);
	cr_expect_eq(snapshot_length(&b), -EINVAL, "a label that was never added");
	snapshot_reset(&b);
	labels[1] = snapshot_string(&b, "crab");
	snapshot_add_unsigned(&b, METRIC_PROXY_REQUEST_DURATION, labels, 1);
	cr_expect_eq(snapshot_length(&b), -EINVAL, "a number for a histogram");
	snapshot_reset(&b);
	snapshot_string(&b, "crab");
	snapshot_add_histogram(&b, METRIC_PROXY_INFO, labels, 0, &histogram);
	cr_expect_eq(snapshot_length(&b), -EINVAL, "a histogram for a number");
	snapshot_reset(&b);
	labels[1] = snapshot_string(&b, "crab");
	snapshot_add_histogram(&b, METRIC_PROXY_REQUEST_DURATION, labels, ABI_BOUNDS_MAX,
			       &histogram);
	cr_expect_eq(snapshot_length(&b), -EINVAL, "no such bounds");
	snapshot_add_unsigned(&b, METRIC_PINNED, NULL, 1);
	cr_expect_eq(b.sample_count, 0, "nothing is added after an error");
	snapshot_free(&b);
}
