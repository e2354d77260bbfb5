// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/promotion.h"

#include <stdlib.h>

#include "lib/cleanup.h"

uint64_t promotion_price(uint32_t count, uint32_t max, uint64_t total)
{
	uint32_t free_places = max / 4 ?: 1;

	if (count < free_places)
		return 1;
	/* (count / max)² / max of the total */
	return (uint64_t)((double)total * count / max * count / max / max) + 1;
}

struct nominee {
	struct destination_candidate *candidate;
	__u64 address[2];
	uint64_t weight;
};

static int heavier_first(const void *a, const void *b)
{
	const struct nominee *x = a, *y = b;

	return (x->weight < y->weight) - (x->weight > y->weight);
}

/* Skips a candidate without votes, and one in the bucket of another address (two CPUs wrote it). */
static bool nominee_read(const struct destination_table *table, uint32_t bucket,
			 struct destination_candidate *c, struct nominee *n)
{
	*n = (struct nominee){
		.candidate = c,
		.address = { __atomic_load_n(&ABI_HALVES(c->address)[0], __ATOMIC_RELAXED),
			     __atomic_load_n(&ABI_HALVES(c->address)[1], __ATOMIC_RELAXED) },
		.weight = __atomic_load_n(&c->weight, __ATOMIC_RELAXED),
	};
	return n->weight && (n->address[0] || n->address[1]) &&
	       (abi_destination_hash(n->address[0], n->address[1]) & (table->bucket_count - 1)) ==
		       bucket;
}

static void candidate_clear(struct destination_candidate *c)
{
	__atomic_store_n(&c->weight, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ABI_HALVES(c->address)[0], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ABI_HALVES(c->address)[1], 0, __ATOMIC_RELAXED);
}

unsigned int promotion_run(struct destination_table *table, uint64_t total, promotion_label *label,
			   void *context)
{
	uint32_t candidates = table->bucket_count * ABI_CANDIDATE_WAYS, count = 0;
	uint64_t least = promotion_price(table->count, table->max, total);
	_cleanup_free_ struct nominee *nominees = NULL;
	unsigned int promoted = 0;

	if (table->count == table->max)
		return 0;
	nominees = malloc(candidates * sizeof(*nominees));
	for (uint32_t i = 0; nominees && i < candidates; i++) {
		uint32_t bucket = i / ABI_CANDIDATE_WAYS;
		struct destination_candidate *c =
			&table->buckets[bucket].candidates[i % ABI_CANDIDATE_WAYS];

		count += nominee_read(table, bucket, c, &nominees[count]) &&
			 nominees[count].weight >= least;
	}
	if (count)
		qsort(nominees, count, sizeof(*nominees), heavier_first);
	for (uint32_t i = 0;
	     i < count && nominees[i].weight >= promotion_price(table->count, table->max, total);
	     i++) {
		const __u64 *address = nominees[i].address;

		promoted += destination_promote(table, address,
						label ? label(context, address) : NULL) != NULL;
		candidate_clear(nominees[i].candidate);
	}
	return promoted;
}
