/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The countries of destinations. A destination's bytes stay with the country that it had when they
 * passed: when it moves (another database), what it had so far is carried in the country it leaves,
 * so that no series falls.
 */
#pragma once

#include "collector/kernel/destination_table.h"

#define COUNTRY_UNKNOWN "unknown" /* the database has none */

/*
 * The country that an entry has from now on; the first one has all its bytes. A country for which
 * there is no place any more is left where it was (a database of more than ABI_COUNTRIES_MAX
 * countries is none of ours).
 */
void country_set(struct destination_table *table, struct destination_entry *entry,
		 const char *country);

/* An entry loses its series to `other`, with all its bytes; its country keeps what it has shown. */
void country_entry_drop(struct destination_table *table, const struct destination_entry *entry,
			const struct direction_counts *bytes);

/*
 * Sums by country, `other` (the bytes of the rest) first, in the order of first sight. Sum of all =
 * all destinations'.
 */
struct country_sum {
	char code[ABI_COUNTRY_SIZE];
	__u64 bytes[ABI_DIRECTION_MAX];
};
struct country_sums {
	struct country_sum sums[2 * ABI_COUNTRIES_MAX];
	unsigned int count;
};
void country_sums_read(const struct destination_table *table, const __u64 other[ABI_DIRECTION_MAX],
		       struct country_sums *sums);
