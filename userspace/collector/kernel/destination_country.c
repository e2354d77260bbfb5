// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/destination_country.h"

#include <string.h>

/* Returns the carry of a country; with `make`, creates it. NULL: not found, or no room. */
static struct destination_country *carry_of(const struct destination_table *table, const char *code,
					    bool make)
{
	for (int i = 0; i < ABI_COUNTRIES_MAX; i++) {
		struct destination_country *c = &table->countries[i];

		if (!c->code[0] && make)
			memcpy(c->code, code, strlen(code) + 1);
		if (!c->code[0])
			return NULL;
		if (!strcmp(c->code, code))
			return c;
	}
	return NULL;
}

void country_set(struct destination_table *table, struct destination_entry *entry,
		 const char *country)
{
	const struct destination_count *count = destination_of(table, entry);
	struct destination_country *carry;

	if (!strcmp(entry->country, country) || !carry_of(table, country, true))
		return;
	carry = entry->country[0] ? carry_of(table, entry->country, true) : NULL;
	for (int d = 0; carry && d < ABI_DIRECTION_MAX; d++) {
		uint64_t bytes = __atomic_load_n(&ABI_AT(__u64, count->bytes, d), __ATOMIC_RELAXED);

		ABI_AT(__u64, carry->bytes, d) += bytes - ABI_AT(__u64, entry->since, d);
		ABI_AT(__u64, entry->since, d) = bytes;
	}
	memset(entry->country, 0, sizeof(entry->country));
	memcpy(entry->country, country, strlen(country));
}

void country_entry_drop(struct destination_table *table, const struct destination_entry *entry,
			const struct direction_counts *bytes)
{
	struct destination_country *own =
		entry->country[0] ? carry_of(table, entry->country, true) : NULL;
	struct destination_country *other = own ? carry_of(table, DESTINATION_OTHER, true) : NULL;

	/*
	 * `other` as a country gains these bytes with the rest, and loses them here: the sum modulo
	 * 2⁶⁴ is correct.
	 */
	for (int d = 0; other && d < ABI_DIRECTION_MAX; d++) {
		ABI_AT(__u64, own->bytes, d) +=
			ABI_AT(__u64, *bytes, d) - ABI_AT(__u64, entry->since, d);
		ABI_AT(__u64, other->bytes, d) -=
			ABI_AT(__u64, *bytes, d) - ABI_AT(__u64, entry->since, d);
	}
}

static void sum_add(struct country_sums *sums, const char *code, int direction, uint64_t bytes)
{
	unsigned int i = 0;

	while (i < sums->count && strcmp(sums->sums[i].code, code) != 0)
		i++;
	if (i == sizeof(sums->sums) / sizeof(sums->sums[0]))
		return; /* unreachable: each country has a carry */
	if (i == sums->count) {
		memset(&sums->sums[i], 0, sizeof(sums->sums[i]));
		memcpy(sums->sums[i].code, code, strlen(code));
		sums->count++;
	}
	sums->sums[i].bytes[direction] += bytes;
}

void country_sums_read(const struct destination_table *table, const __u64 other[ABI_DIRECTION_MAX],
		       struct country_sums *sums)
{
	sums->count = 0;
	for (int d = 0; d < ABI_DIRECTION_MAX; d++) {
		sum_add(sums, DESTINATION_OTHER, d, other[d]);
		for (int i = 0; i < ABI_COUNTRIES_MAX && table->countries[i].code[0]; i++)
			sum_add(sums, table->countries[i].code, d,
				ABI_AT(__u64, table->countries[i].bytes, d));
		for (uint32_t i = 0; i < table->count; i++) {
			const struct destination_entry *entry = &table->entries[i];
			uint64_t bytes = __atomic_load_n(
				&ABI_AT(__u64, destination_of(table, entry)->bytes, d),
				__ATOMIC_RELAXED);

			sum_add(sums, entry->country[0] ? entry->country : COUNTRY_UNKNOWN, d,
				bytes - ABI_AT(__u64, entry->since, d));
		}
	}
}
