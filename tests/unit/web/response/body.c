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

#define LINES 20000

static void round_trip(struct gzip *gzip, const struct text *from)
{
	struct text out = { 0 };
	z_stream stream = { 0 };
	char *back = malloc(from->size + 1);

	cr_assert_eq(gzip_write(gzip, &out, from), 0);
	cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (Bytef *)out.data;
	stream.avail_in = (uInt)out.size;
	stream.next_out = (Bytef *)back;
	stream.avail_out = (uInt)from->size + 1;
	cr_expect_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	cr_expect_eq(stream.total_out, from->size);
	cr_expect_eq(stream.avail_in, 0);
	cr_expect_arr_eq(back, from->size ? from->data : "", from->size);
	inflateEnd(&stream);
	text_free(&out);
	free(back);
}

Test(gzip, comes_back_the_same)
{
	struct gzip gzip = { 0 };
	struct text text = { 0 };

	round_trip(&gzip, &text);
	for (int i = 0; i < LINES; i++)
		text_printf(&text, "proxy_requests_total{proxy_name=\"crab\"} %d\n", i * 7919);
	round_trip(&gzip, &text);
	text.size = 1;
	round_trip(&gzip, &text);
	text_free(&text);
	gzip_free(&gzip);
}
