/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Countries of destinations. Bytes stay with the country that the destination had when they passed.
 * If its country changes (new database), the earlier bytes stay with the old country in a carry, so
 * that no series decreases.
 */
#pragma once

#include "collector/kernel/destination_table.h"

#define COUNTRY_UNKNOWN "unknown" /* the address is not in the database */

/*
 * Sets the country of an entry. The first country gets all its bytes. Does nothing if there is no
 * carry left for a new country (a database with more than ABI_COUNTRIES_MAX countries).
 */
void country_set(struct destination_table *table, struct destination_entry *entry,
		 const char *country);

/*
 * Moves an entry and its bytes to `other`; its country keeps the bytes that it has already shown.
 */
void country_entry_drop(struct destination_table *table, const struct destination_entry *entry,
			const struct direction_counts *bytes);

/*
 * Sums by country, in the order of first use; `other` is the first. The sum of all equals the sum
 * of all destinations.
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
