// SPDX-License-Identifier: Apache-2.0
#include "health/lines.h"

#include <criterion/criterion.h>
#include <string.h>

Test(text, stays_in_its_buffer_whatever_the_size)
{
	for (size_t size = 40; size < 200; size++) {
		char bytes[256];
		struct text text = { .bytes = bytes, .size = size };

		memset(bytes, 0x5a, sizeof(bytes));
		for (int i = 0; i < 20; i++)
			text_line(&text, "line %d", i);
		text_end(&text);
		cr_assert_leq(text.length, size);
		for (size_t i = size; i < sizeof(bytes); i++)
			cr_assert_eq(bytes[i], 0x5a);
		bytes[text.length] = '\0';
		cr_assert_eq(bytes[text.length - 1], '\n');
		cr_assert_eq(strstr(bytes, "more\n") != NULL, text.omitted > 0);
	}
}

Test(text, a_short_line_still_fits_where_a_long_one_did_not)
{
	char bytes[80], lengthy[100];
	struct text text = { .bytes = bytes, .size = sizeof(bytes) };

	memset(lengthy, 'x', sizeof(lengthy));
	lengthy[sizeof(lengthy) - 1] = '\0';
	text_line(&text, "%s", lengthy);
	text_line(&text, "short");
	text_end(&text);
	bytes[text.length] = '\0';
	cr_expect_str_eq(bytes, "short\nand 1 more\n");
}
