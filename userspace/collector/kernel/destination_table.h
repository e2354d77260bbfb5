/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destinations of one proxy: memory shared with the programs, which count, and kept in pinned
 * maps. Here addresses are promoted; nothing is ever demoted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wgsocks/abi.h>

#define DESTINATION_OTHER "other" /* the label of the rest */

struct destination_table {
	struct destination_bucket *buckets; /* NULL: destinations are off */
	uint32_t bucket_count;		    /* a power of two */
	struct destination_entry *entries;
	uint32_t max;
	uint32_t count; /* entries in use: the first ones */
	struct destination_country *countries;
	uint64_t unplaced; /* promotions for which a bucket had no room */
};

/* So many buckets that one is hardly ever full: at least two for each destination, and 256. */
uint32_t destination_buckets_for(uint32_t max);

/* Counts what is there, and mends what an end in mid-promotion has left. */
void destination_table_open(struct destination_table *table);

/* Where an address is counted; NULL: among the others. */
struct destination_count *destination_find(const struct destination_table *table,
					   const __u64 address[2]);

/* Where an entry is counted. */
struct destination_count *destination_of(const struct destination_table *table,
					 const struct destination_entry *entry);

/*
 * Gives an address a series of its own, from 0. Returns the entry; NULL when it has one, the table
 * is full or its bucket is (`unplaced` is counted then). A label that is too long, or means the
 * rest, is not taken: it is the address.
 */
struct destination_entry *destination_promote(struct destination_table *table,
					      const __u64 address[2], const char *label);

/* The address as text: IPv4 as such where it is mapped. */
#define DESTINATION_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */
void destination_address_text(const __u64 address[2], char text[static DESTINATION_ADDRESS_SIZE]);
