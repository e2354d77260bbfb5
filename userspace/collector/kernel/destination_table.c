// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/destination_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS_MIN 256

static bool is_free(const __u64 address[2])
{
	return !address[0] && !address[1];
}

static bool same_address(const __u64 a[2], const __u64 b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

uint32_t destination_buckets_for(uint32_t max)
{
	uint32_t n = BUCKETS_MIN;

	while (n < 2 * max)
		n *= 2;
	return n;
}

static struct destination_bucket *bucket_of(const struct destination_table *table,
					    const __u64 address[2])
{
	return &table->buckets[abi_destination_hash(address[0], address[1]) &
			       (table->bucket_count - 1)];
}

struct destination_count *destination_find(const struct destination_table *table,
					   const __u64 address[2])
{
	struct destination_bucket *bucket = bucket_of(table, address);

	for (int i = 0; i < ABI_DESTINATION_WAYS && !is_free(ABI_HALVES(bucket->ways[i].address));
	     i++) {
		if (same_address(ABI_HALVES(bucket->ways[i].address), address))
			return &bucket->ways[i];
	}
	return NULL;
}

struct destination_count *destination_of(const struct destination_table *table,
					 const struct destination_entry *entry)
{
	return &table->buckets[entry->way_index / ABI_DESTINATION_WAYS]
			.ways[entry->way_index % ABI_DESTINATION_WAYS];
}

/*
 * Programs read the address while it is written. The first half, with 0 as the other, is an address
 * that no host has (::/64); the second half completes it.
 */
static void way_take(struct destination_count *way, const __u64 address[2])
{
	__atomic_store_n(&ABI_HALVES(way->address)[1], address[1], __ATOMIC_RELEASE);
	__atomic_store_n(&ABI_HALVES(way->address)[0], address[0], __ATOMIC_RELEASE);
}

/* Returns the free way in the bucket of an address, as way_index encodes it; -1: none. */
static int64_t way_find(const struct destination_table *table, const __u64 address[2])
{
	const struct destination_bucket *bucket = bucket_of(table, address);

	for (int i = 0; i < ABI_DESTINATION_WAYS; i++) {
		if (is_free(ABI_HALVES(bucket->ways[i].address)))
			return (bucket - table->buckets) * ABI_DESTINATION_WAYS + i;
	}
	return -1;
}

/* Checks an entry from the map, which a faulty exporter may have written. */
static bool entry_is_sound(const struct destination_table *table,
			   const struct destination_entry *entry, uint32_t index)
{
	return entry->way_index / ABI_DESTINATION_WAYS < table->bucket_count &&
	       entry->series <= index && memchr(entry->label, 0, sizeof(entry->label)) &&
	       memchr(entry->country, 0, sizeof(entry->country));
}

void destination_table_open(struct destination_table *table)
{
	for (table->count = 0; table->count < table->max; table->count++) {
		struct destination_entry *entry = &table->entries[table->count];

		if (is_free(ABI_HALVES(entry->address)) ||
		    !entry_is_sound(table, entry, table->count))
			break;
		if (!same_address(ABI_HALVES(destination_of(table, entry)->address),
				  ABI_HALVES(entry->address)))
			way_take(destination_of(table, entry), ABI_HALVES(entry->address));
	}
}

/* Addresses with the same name share the series of the first. */
static uint32_t series_of(const struct destination_table *table, const char *label)
{
	uint32_t i = 0;

	while (i < table->count && strcmp(table->entries[i].label, label) != 0)
		i++;
	return i;
}

struct destination_entry *destination_promote(struct destination_table *table,
					      const __u64 address[2], const char *label)
{
	struct destination_entry *entry = &table->entries[table->count];
	char text[DESTINATION_ADDRESS_SIZE];
	int64_t way;

	if (is_free(address) || table->count == table->max || destination_find(table, address))
		return NULL;
	way = way_find(table, address);
	if (way < 0) {
		table->unplaced++;
		return NULL;
	}
	destination_address_text(address, text);
	if (!label || !*label || strlen(label) >= sizeof(entry->label) ||
	    !strcmp(label, DESTINATION_OTHER))
		label = text;
	memset(entry, 0, sizeof(*entry));
	entry->way_index = (uint32_t)way;
	entry->series = series_of(table, label);
	snprintf(entry->label, sizeof(entry->label), "%s", label);
	__atomic_thread_fence(
		__ATOMIC_RELEASE); /* release: the next process finds a complete entry or none */
	ABI_HALVES(entry->address)[0] = address[0];
	ABI_HALVES(entry->address)[1] = address[1];
	way_take(destination_of(table, entry), address);
	table->count++;
	return entry;
}

void destination_address_text(const __u64 address[2], char text[static DESTINATION_ADDRESS_SIZE])
{
	struct in6_addr bytes;

	memcpy(&bytes, address, sizeof(bytes));
	if (IN6_IS_ADDR_V4MAPPED(&bytes))
		inet_ntop(AF_INET, &bytes.s6_addr[12], text, DESTINATION_ADDRESS_SIZE);
	else
		inet_ntop(AF_INET6, &bytes, text, DESTINATION_ADDRESS_SIZE);
}
