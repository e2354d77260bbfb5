// SPDX-License-Identifier: Apache-2.0
#include "web/response/body.h"

#include <criterion/criterion.h>

Test(body, is_used_again)
{
	struct body *kept = NULL, *first = body_renew(&kept);

	text_puts(&first->text, "one");
	cr_expect_eq(body_renew(&kept), first);
	cr_expect_eq(first->text.size, 0);
	body_release(kept);
}

Test(body, is_left_to_its_readers)
{
	struct body *kept = NULL, *reader = body_use(body_renew(&kept)), *next;

	text_puts(&reader->text, "one");
	next = body_renew(&kept);
	cr_assert_neq(next, reader);
	text_puts(&next->text, "two");
	cr_expect_eq(memcmp(reader->text.data, "one", 3), 0);
	body_release(reader);
	cr_expect_eq(body_renew(&kept), next, "nobody reads it");
	body_release(kept);
	body_release(NULL);
}
