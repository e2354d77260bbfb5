// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/destination_country.h"

#include "table_make.h"

TestSuite(country, .fini = table_free);

static struct country_sums sums;
static const __u64 other[ABI_DIRECTION_MAX] = { 1000, 2000 };

static void grow(struct destination_entry *entry, uint64_t bytes)
{
	destination_of(&table, entry)->bytes.receive += bytes;
	destination_of(&table, entry)->bytes.transmit += 2 * bytes;
}

static uint64_t received(const char *code)
{
	country_sums_read(&table, other, &sums);
	for (unsigned int i = 0; i < sums.count; i++) {
		if (!strcmp(sums.sums[i].code, code)) {
			cr_expect_eq(sums.sums[i].bytes[ABI_TRANSMIT],
				     2 * sums.sums[i].bytes[ABI_RECEIVE]);
			return sums.sums[i].bytes[ABI_RECEIVE];
		}
	}
	return UINT64_MAX;
}

static uint64_t total(void)
{
	uint64_t sum = 0;

	country_sums_read(&table, other, &sums);
	for (unsigned int i = 0; i < sums.count; i++)
		sum += sums.sums[i].bytes[ABI_RECEIVE];
	return sum;
}

Test(country, bytes_stay_where_they_passed)
{
	struct destination_entry *entry;

	table_make(8);
	entry = destination_promote(&table, address4(1), NULL);
	grow(entry, 10);
	cr_expect_eq(received(COUNTRY_UNKNOWN), 10, "not looked up yet");
	country_set(&table, entry, "DE");
	cr_expect_eq(received("DE"), 10, "the first country has all");
	grow(entry, 5);
	country_set(&table, entry, "FR");
	cr_expect_eq(received("DE"), 15);
	cr_expect_eq(received("FR"), 0);
	grow(entry, 7);
	country_set(&table, entry, "FR");
	country_set(&table, entry, "DE");
	grow(entry, 100);
	cr_expect_eq(received("DE"), 115);
	cr_expect_eq(received("FR"), 7);
	cr_expect_eq(received(DESTINATION_OTHER), 1000);
	cr_expect_eq(total(), 1122);
}

Test(country, two_destinations_of_one)
{
	struct destination_entry *a, *b;

	table_make(8);
	a = destination_promote(&table, address4(1), NULL);
	b = destination_promote(&table, address4(2), NULL);
	country_set(&table, a, "DE");
	country_set(&table, b, "DE");
	grow(a, 3);
	grow(b, 4);
	country_set(&table, b, COUNTRY_UNKNOWN);
	grow(b, 5);
	cr_expect_eq(received("DE"), 7);
	cr_expect_eq(received(COUNTRY_UNKNOWN), 5);
}

/*
 * An invalid database: a destination without a free country entry stays where it is, and nothing is
 * lost.
 */
Test(country, more_countries_than_places)
{
	struct destination_entry *entry;

	table_make(8);
	entry = destination_promote(&table, address4(1), NULL);
	for (unsigned int i = 0; i < 26 * 26; i++) {
		char code[3] = { (char)('A' + i / 26), (char)('A' + i % 26), 0 };

		country_set(&table, entry, code);
		grow(entry, 1);
	}
	cr_expect_eq(total(), 1000 + 26 * 26);
	cr_expect_eq(received("AA"), 1);
	cr_expect_eq(received("JV"), 26 * 26 - 255, "the last that found a place");
}

/* A smaller --destinations.max leaves no free entry. */
Test(country, an_entry_that_is_dropped)
{
	__u64 grown[ABI_DIRECTION_MAX] = { 1000 + 42, 2000 + 84 };
	struct destination_entry *entry;
	struct direction_counts bytes = { 42, 84 };

	table_make(8);
	entry = destination_promote(&table, address4(1), NULL);
	country_set(&table, entry, "DE");
	country_entry_drop(&table, entry, &bytes);
	country_sums_read(&table, grown, &sums);
	memset(entry, 0, sizeof(*entry));
	table.count = 0;
	country_sums_read(&table, grown, &sums);
	cr_expect_eq(sums.count, 2);
	for (unsigned int i = 0; i < sums.count; i++)
		cr_expect_eq(sums.sums[i].bytes[ABI_RECEIVE],
			     strcmp(sums.sums[i].code, "DE") ? 1000 : 42, "%s", sums.sums[i].code);
}
