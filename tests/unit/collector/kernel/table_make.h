/* SPDX-License-Identifier: Apache-2.0 */
/* A destination table in plain memory, and numbered addresses. */
#pragma once

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "collector/kernel/destination_table.h"

static struct destination_table table;

static inline void table_make(uint32_t max)
{
	table = (struct destination_table){ .max = max,
					    .bucket_count = destination_buckets_for(max) };
	table.buckets = calloc(table.bucket_count, sizeof(*table.buckets));
	table.entries = calloc(max, sizeof(*table.entries));
	table.countries = calloc(ABI_COUNTRIES_MAX, sizeof(*table.countries));
}

static inline void table_free(void)
{
	free(table.buckets);
	free(table.entries);
	free(table.countries);
}

/* 10.0.0.0 + n. */
static inline const __u64 *address4(uint32_t n)
{
	static __u64 address[2];
	uint8_t bytes[16] = { [10] = 0xff,
			      [11] = 0xff,
			      [12] = 10,
			      [13] = (uint8_t)(n >> 16),
			      [14] = (uint8_t)(n >> 8),
			      [15] = (uint8_t)n };

	memcpy(address, bytes, sizeof(bytes));
	return address;
}
