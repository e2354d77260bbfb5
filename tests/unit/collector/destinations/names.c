// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/names.h"

#include <criterion/criterion.h>

#include "collector/kernel/table_make.h"
#include "message.h"

static struct names *names;

static void end(void)
{
	names_free(&names);
}

TestSuite(names, .fini = end);

static void hand_over(enum abi_direction direction, uint8_t peer, uint16_t port)
{
	struct answer answer = { .direction = direction,
				 .port = port,
				 .length = (uint32_t)length,
				 .peer = { [15] = peer } };

	memcpy(answer.message, message, length);
	names_message(&names, &answer, sizeof(answer));
}

static void ask(uint8_t peer, uint16_t port, unsigned int id, const char *name)
{
	begin(id, 0x0100, 0, name, 1);
	hand_over(ABI_TRANSMIT, peer, port);
}

static void reply(uint8_t peer, uint16_t port, unsigned int id, const char *name, uint32_t host)
{
	begin(id, 0x8180, 1, name, 1);
	record(1, (const uint8_t *)address4(host) + 12, 4);
	hand_over(ABI_RECEIVE, peer, port);
}

Test(names, the_first_that_was_asked_for)
{
	ask(1, 4000, 7, "\1A\3org");
	reply(1, 4000, 7, "\1a\3oRg", 5);
	cr_expect_str_eq(names_find(names, address4(5)), "a.org");
	ask(1, 4000, 8, "\1b\3org");
	reply(1, 4000, 8, "\1b\3org", 5);
	cr_expect_str_eq(names_find(names, address4(5)), "a.org");
	cr_expect_null(names_find(names, address4(6)));
}

Test(names, unsolicited_answers)
{
	cr_expect_null(names_find(names, address4(5)), "nothing was ever seen");
	ask(1, 4000, 7, "\1a\3org");
	reply(2, 4000, 7, "\1a\3org", 5);
	reply(1, 4001, 7, "\1a\3org", 5);
	reply(1, 4000, 6, "\1a\3org", 5);
	reply(1, 4000, 7, "\1b\3org", 5);
	cr_expect_null(names_find(names, address4(5)));
	reply(1, 4000, 7, "\1a\3org", 5);
	reply(1, 4000, 7, "\1a\3org", 6);
	cr_expect_str_eq(names_find(names, address4(5)), "a.org");
	cr_expect_null(names_find(names, address4(6)), "a second answer to one question");
}

Test(names, an_address_is_no_name)
{
	ask(1, 4000, 7, "\00210\0010\0010\0011");
	reply(1, 4000, 7, "\00210\0010\0010\0011", 5);
	cr_expect_null(names_find(names, address4(5)));
}

Test(names, the_oldest_are_forgotten)
{
	unsigned int known = 0;

	for (uint32_t n = 0; n < 5000; n++) {
		char name[8] = "\5abcde";

		memcpy(name + 1,
		       (char[]){ (char)('a' + n % 26), (char)('a' + n / 26 % 26),
				 (char)('a' + n / 676) },
		       3);
		ask(1, 4000, n, name);
		reply(1, 4000, n, name, n);
	}
	for (uint32_t n = 0; n < 5000; n++)
		known += names_find(names, address4(n)) != NULL;
	cr_expect(known > 1500 && known <= 2048, "%u", known);
	cr_expect_not_null(names_find(names, address4(4999)));
}

Test(names, records_of_another_size)
{
	struct answer answer = { .length = ABI_ANSWER_MAX + 1 };

	names_message(&names, &answer, sizeof(answer));
	names_message(&names, &answer, 5);
	cr_expect_null(names);
}
