// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/dns_answer.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "message.h"

static struct dns_question question;
static __u64 found[128][2];
static unsigned int found_count;

static void found_one(void *context, const __u64 address[2])
{
	memcpy(found[found_count++], address, 16);
}

static int read_answer(void)
{
	found_count = 0;
	return dns_answer_read(message, length, &question, found_one, NULL);
}

Test(dns_answer, addresses_behind_a_cname)
{
	const uint8_t mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
		      six[16] = { 0xfd, [15] = 9 };

	begin(7, 0x8180, 3, "\3wWw\7example\3org", 1);
	record(5, "\3cdn\xc0\x10", 6);
	record(1, mapped + 12, 4);
	record(28, six, 16);
	cr_assert_eq(read_answer(), 2);
	cr_expect_str_eq(question.name, "www.example.org");
	cr_expect_eq(question.id, 7);
	cr_expect_arr_eq(found[0], mapped, 16);
	cr_expect_arr_eq(found[1], six, 16);
}

Test(dns_answer, names)
{
	char longest[256] = "", label[65] = "\77";

	begin(1, 0, 0, "\5_SrV-\1.\2\"\n", 1);
	cr_assert_gt(dns_question_read(message, length, &question), 0);
	cr_expect_str_eq(question.name, "_srv-.\\046.\\034\\010");
	memset(label + 1, 'a', 63);
	for (int i = 0; i < 3; i++)
		strcat(longest, label);
	strcat(longest, "\75aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	begin(1, 0, 0, longest, 1);
	cr_expect_gt(dns_question_read(message, length, &question), 0);
	cr_expect_eq(strlen(question.name), 3 * 63 + 61 + 3);
	memset(longest + 1, '"', 63);
	memset(longest + 65, '"', 63);
	begin(1, 0, 0, longest, 1);
	cr_expect_eq(dns_question_read(message, length, &question), -EBADMSG, "too long as text");
}

Test(dns_answer, what_is_none)
{
	begin(1, 0x8180, 0, "", 1);
	cr_expect_eq(read_answer(), -EBADMSG, "the root");
	begin(1, 0x0100, 1, "\1a", 1);
	cr_expect_eq(read_answer(), -EBADMSG, "a question");
	begin(1, 0x8183, 1, "\1a", 1);
	record(1, "\1\2\3\4", 4);
	cr_expect_eq(read_answer(), 0, "an error has no addresses");
	begin(1, 0xa980, 1, "\1a", 1);
	cr_expect_eq(read_answer(), -EBADMSG, "another opcode");
	begin(1, 0x8180, 1, "\1a", 1);
	message[5] = 2;
	cr_expect_eq(read_answer(), -EBADMSG, "two questions");
	begin(1, 0x8180, 1, "\xc0\x0c", 1);
	cr_expect_eq(read_answer(), -EBADMSG, "a question that points at itself");
}

Test(dns_answer, each_cut)
{
	size_t whole;

	begin(1, 0x8180, 9, "\3abc\2de", 1);
	record(1, "\1\2\3\4", 4);
	record(28, "\1\2\3\4\5\6\7\x8\1\2\3\4\5\6\7\x8", 16);
	record(1, "\1\2\3\4\5", 5);
	whole = length;
	cr_expect_eq(read_answer(), 2, "one that is cut is read up to there");
	for (size_t cut = 0; cut < whole; cut++) {
		uint8_t *copy = malloc(cut ?: 1);
		int r;

		memcpy(copy, message, cut);
		found_count = 0;
		r = dns_answer_read(copy, cut, &question, found_one, NULL);
		cr_expect(r == -EBADMSG || (unsigned int)r == found_count, "%zu", cut);
		free(copy);
	}
}

Test(dns_answer, no_more_records_than_it_looks_at)
{
	begin(1, 0x8180, 65535, "\1a", 1);
	for (int i = 0; i < 100; i++)
		record(1, "\1\2\3\4", 4);
	cr_expect_eq(read_answer(), 64);
}
