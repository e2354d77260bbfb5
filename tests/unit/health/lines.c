// SPDX-License-Identifier: Apache-2.0
#include "health/lines.h"

#include <criterion/criterion.h>
#include <string.h>

Test(lines, stays_in_its_buffer_whatever_the_size)
{
	for (size_t size = 40; size < 200; size++) {
		char bytes[256];
		struct lines lines = { .bytes = bytes, .size = size };

		memset(bytes, 0x5a, sizeof(bytes));
		for (int i = 0; i < 20; i++)
			lines_add(&lines, "line %d", i);
		lines_end(&lines);
		cr_assert_leq(lines.length, size);
		for (size_t i = size; i < sizeof(bytes); i++)
			cr_assert_eq(bytes[i], 0x5a);
		bytes[lines.length] = '\0';
		cr_assert_eq(bytes[lines.length - 1], '\n');
		cr_assert_eq(strstr(bytes, "more\n") != NULL, lines.omitted > 0);
	}
}

Test(lines, a_short_line_still_fits_where_a_long_one_did_not)
{
	char bytes[80], lengthy[100];
	struct lines lines = { .bytes = bytes, .size = sizeof(bytes) };

	memset(lengthy, 'x', sizeof(lengthy));
	lengthy[sizeof(lengthy) - 1] = '\0';
	lines_add(&lines, "%s", lengthy);
	lines_add(&lines, "short");
	lines_end(&lines);
	bytes[lines.length] = '\0';
	cr_expect_str_eq(bytes, "short\nand 1 more\n");
}
