// SPDX-License-Identifier: Apache-2.0
#include "lib/text/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>

Test(text, grows_only_when_needed)
{
	struct text t = { 0 };
	const char *kept;
	size_t max;

	for (int i = 0; i < 10000; i++)
		text_printf(&t, "%d ", i % 10);
	cr_assert_eq(t.size, 20000);
	cr_expect_eq(memcmp(t.data + 19996, "8 9 ", 4), 0);
	kept = t.data;
	max = t.max;
	text_reset(&t);
	for (int i = 0; i < 10000; i++)
		text_puts(&t, "ab");
	cr_expect_eq(t.data, kept);
	cr_expect_eq(t.max, max);
	text_free(&t);
	cr_expect_null(t.data);
}

Test(text, long_format)
{
	struct text t = { 0 };
	char word[5000];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	text_printf(&t, "<%s>", word);
	cr_expect_eq(t.size, 5001);
	cr_expect_eq(t.data[0], '<');
	cr_expect_eq(t.data[5000], '>');
	text_free(&t);
}

Test(text, too_much)
{
	struct text t = { 0 };

	text_puts(&t, "a");
	cr_expect_not(text_reserve(&t, SIZE_MAX));
	cr_expect_not(text_reserve(&t, SIZE_MAX / 2 + 1));
	cr_expect_eq(t.error, -ENOMEM);
	text_puts(&t, "b");
	cr_expect_eq(t.size, 1, "nothing is added after an error");
	text_reset(&t);
	text_puts(&t, "c");
	cr_expect_eq(t.data[0], 'c');
	text_free(&t);
}
