// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/promotion.h"

#include "collector/kernel/table_make.h"

TestSuite(promotion, .fini = table_free);

/* Nominates like the BPF programs. */
static void vote(const __u64 address[2], uint64_t weight)
{
	struct destination_bucket *bucket =
		&table.buckets[abi_destination_hash(address[0], address[1]) &
			       (table.bucket_count - 1)];
	struct destination_candidate *least = &bucket->candidates[0];

	for (int i = 0; i < ABI_CANDIDATE_WAYS; i++) {
		if (bucket->candidates[i].weight < least->weight)
			least = &bucket->candidates[i];
	}
	memcpy(least->address, address, sizeof(least->address));
	least->weight = weight;
}

Test(promotion, price)
{
	cr_expect_eq(promotion_price(0, 100, 1000000), 1);
	cr_expect_eq(promotion_price(24, 100, 1000000), 1, "the first quarter is free");
	cr_expect_eq(promotion_price(25, 100, 1000000), 626, "(1/4)² / 100");
	cr_expect_eq(promotion_price(50, 100, 1000000), 2501);
	cr_expect_eq(promotion_price(99, 100, 1000000), 9802, "nearly a hundredth");
	cr_expect_eq(promotion_price(0, 1, 1000000), 1, "the only one");
	cr_expect_eq(promotion_price(1, 2, 1000), 126);
	for (uint32_t n = 1; n < 10000; n++)
		cr_assert_geq(promotion_price(n, 10000, UINT64_MAX / 4),
			      promotion_price(n - 1, 10000, UINT64_MAX / 4));
}

Test(promotion, a_handful_is_seen_each)
{
	table_make(100);
	for (uint32_t n = 1; n <= 20; n++)
		vote(address4(n), n * n * n * n);
	cr_expect_eq(promotion_run(&table, 1000000000, NULL, NULL), 20);
	cr_expect_str_eq(table.entries[0].label, "10.0.0.20", "heaviest first");
	cr_expect_eq(promotion_run(&table, 1000000000, NULL, NULL), 0, "and no more candidates");
}

/* Rounds of fresh light addresses, of which each has its second; then somebody heavy. */
Test(promotion, light_ones_take_the_free_quarter_alone)
{
	uint64_t total = 0;

	table_make(100);
	for (uint32_t n = 0; n < 100000; n++) {
		vote(address4(n), 100);
		total += 100;
		if (n % 500 == 499)
			promotion_run(&table, total, NULL, NULL);
	}
	/* The first seconds, while all is little, make a few more than the quarter. */
	cr_expect_leq(table.count, 45, "%u of 100,000 light ones", table.count);
	vote(address4(200000), total / 50);
	cr_expect_eq(promotion_run(&table, total, NULL, NULL), 1);
}

Test(promotion, torn_or_light_candidates_are_dropped)
{
	struct destination_candidate *c;

	table_make(100);
	c = &table.buckets[3].candidates[0];
	c->weight = 1000;
	ABI_HALVES(c->address)
	[0] = (abi_destination_hash(1, 2) & (table.bucket_count - 1)) == 3 ? 5 : 1;
	ABI_HALVES(c->address)[1] = 2;
	vote(address4(1), 0);
	vote((__u64[2]){ 0, 0 }, 5);
	cr_expect_eq(promotion_run(&table, 10, NULL, NULL), 0);
}

static const char *label(void *context, const __u64 address[2])
{
	return destination_find(&table, address) ? "late" : context;
}

Test(promotion, labels_are_asked_for)
{
	table_make(100);
	vote(address4(1), 5);
	vote(address4(2), 4);
	cr_expect_eq(promotion_run(&table, 10, label, "golden.example"), 2);
	cr_expect_str_eq(table.entries[0].label, "golden.example");
	cr_expect_eq(table.entries[1].series, 0);
}
