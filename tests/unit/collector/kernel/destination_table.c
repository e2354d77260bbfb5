// SPDX-License-Identifier: Apache-2.0
#include "table_make.h"

TestSuite(table, .fini = table_free);

Test(table, an_address_is_promoted_once_and_found)
{
	const struct destination_entry *entry;

	table_make(4);
	entry = destination_promote(&table, address4(1), NULL);
	cr_assert_not_null(entry);
	cr_expect_str_eq(entry->label, "10.0.0.1");
	cr_expect_eq(destination_find(&table, address4(1)), destination_of(&table, entry));
	cr_expect_null(destination_find(&table, address4(2)));
	cr_expect_null(destination_promote(&table, address4(1), NULL), "twice");
	cr_expect_null(destination_promote(&table, (__u64[2]){ 0, 0 }, NULL), "no address");
	for (uint32_t n = 2; n <= 4; n++)
		cr_expect_not_null(destination_promote(&table, address4(n), NULL));
	cr_expect_null(destination_promote(&table, address4(5), NULL), "full");
	cr_expect_eq(table.count, 4);
	cr_expect_eq(table.unplaced, 0);
}

Test(table, ten_thousand_neighbours_find_a_place)
{
	table_make(ABI_DESTINATIONS_MAX);
	for (uint32_t n = 0; n < ABI_DESTINATIONS_MAX; n++)
		destination_promote(&table, address4(n), NULL);
	cr_expect_leq(table.unplaced, 3, "%lu found none", table.unplaced);
	for (uint32_t i = 0; i < table.count; i++)
		cr_assert_eq(destination_find(&table, ABI_HALVES(table.entries[i].address)),
			     destination_of(&table, &table.entries[i]));
}

Test(table, a_full_bucket_is_said)
{
	uint32_t in_bucket = 0, n = 0;

	table_make(100);
	while (in_bucket <= ABI_DESTINATION_WAYS) {
		const __u64 *address = address4(n++);

		if ((abi_destination_hash(address[0], address[1]) & (table.bucket_count - 1)) != 7)
			continue;
		cr_expect_eq(destination_promote(&table, address, NULL) != NULL,
			     in_bucket < ABI_DESTINATION_WAYS);
		in_bucket++;
	}
	cr_expect_eq(table.unplaced, 1);
	cr_expect_eq(table.count, ABI_DESTINATION_WAYS);
}

Test(table, labels)
{
	char longest[ABI_DESTINATION_LABEL_SIZE] = "",
	     too_long[ABI_DESTINATION_LABEL_SIZE + 1] = "";

	table_make(8);
	memset(longest, 'a', sizeof(longest) - 1);
	memset(too_long, 'a', sizeof(too_long) - 1);
	cr_expect_str_eq(destination_promote(&table, address4(1), "example.org")->label,
			 "example.org");
	cr_expect_str_eq(destination_promote(&table, address4(2), "other")->label, "10.0.0.2",
			 "the rest's own");
	cr_expect_str_eq(destination_promote(&table, address4(3), "")->label, "10.0.0.3");
	cr_expect_str_eq(destination_promote(&table, address4(4), too_long)->label, "10.0.0.4");
	cr_expect_str_eq(destination_promote(&table, address4(5), longest)->label, longest);
	cr_expect_eq(destination_promote(&table, address4(6), "example.org")->series, 0,
		     "one series for a name");
	cr_expect_eq(table.entries[1].series, 1);
}

Test(table, ipv6_as_text)
{
	char text[DESTINATION_ADDRESS_SIZE];
	uint8_t bytes[16] = { 0xfd, 0x99, [15] = 1 };
	__u64 address[2];

	memcpy(address, bytes, sizeof(bytes));
	destination_address_text(address, text);
	cr_expect_str_eq(text, "fd99::1");
}

/*
 * A collector killed during a promotion leaves an entry without a way; maps may have invalid
 * content.
 */
Test(table, opening_mends)
{
	struct destination_count *way;

	table_make(8);
	for (uint32_t n = 1; n <= 5; n++)
		destination_promote(&table, address4(n), NULL);
	way = destination_find(&table, address4(5));
	memset(way, 0, sizeof(*way));
	destination_table_open(&table);
	cr_expect_eq(table.count, 5);
	cr_expect_eq(destination_find(&table, address4(5)), way);
	table.entries[3].way_index = UINT32_MAX;
	destination_table_open(&table);
	cr_expect_eq(table.count, 3, "nothing behind an entry that cannot be");
	table.entries[2].series = 7;
	destination_table_open(&table);
	cr_expect_eq(table.count, 2);
	memset(table.entries[1].label, 'x', sizeof(table.entries[1].label));
	destination_table_open(&table);
	cr_expect_eq(table.count, 1);
}
