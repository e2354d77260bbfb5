/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destinations of one proxy, in memory shared with the programs, which count, and kept in
 * pinned maps. Addresses are promoted here, and never demoted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wgsocks/abi.h>

#define DESTINATION_OTHER "other" /* label of the rest */

struct destination_table {
	struct destination_bucket *buckets; /* NULL: destinations are off */
	uint32_t bucket_count;		    /* a power of two */
	struct destination_entry *entries;
	uint32_t max;
	uint32_t count; /* entries in use, from the start of the array */
	struct destination_country *countries;
	uint64_t unplaced; /* promotions for which the bucket was full */
};

/*
 * Returns the number of buckets: at least two for each destination, and at least 256, so that a
 * bucket is rarely full.
 */
uint32_t destination_buckets_for(uint32_t max);

/* Counts the entries, and completes a promotion that a crash interrupted. */
void destination_table_open(struct destination_table *table);

/* Returns the counter of an address; NULL if it counts as `other`. */
struct destination_count *destination_find(const struct destination_table *table,
					   const __u64 address[2]);

/* Returns the counter of an entry. */
struct destination_count *destination_of(const struct destination_table *table,
					 const struct destination_entry *entry);

/*
 * Gives an address a series, from 0. Returns the entry, or NULL if it has one already or there is
 * no room. A full bucket increments `unplaced`. If the label is too long or is `other`, the address
 * is the label.
 */
struct destination_entry *destination_promote(struct destination_table *table,
					      const __u64 address[2], const char *label);

/* An address as text; a mapped IPv4 address as IPv4. */
#define DESTINATION_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */
void destination_address_text(const __u64 address[2], char text[static DESTINATION_ADDRESS_SIZE]);
