// SPDX-License-Identifier: Apache-2.0
#include "web/auth/basic.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct basic basic;

static void expect(const char *header, const char *user, const char *password)
{
	memset(&basic, 0x5a, sizeof(basic));
	cr_assert_eq(basic_parse(&basic, header), 0, "%s", header);
	cr_expect_str_eq(basic.user, user);
	cr_expect_str_eq(basic.password, password);
}

Test(basic, takes_apart)
{
	expect("Basic YWxpY2U6c2VjcmV0", "alice", "secret");
	expect("basic YWxpY2U6c2VjcmV0", "alice", "secret");
	expect("BASIC   YWxpY2U6c2VjcmV0", "alice", "secret");
	expect("Basic YTpiOmM=", "a", "b:c");
	expect("Basic Og==", "", "");
	expect("Basic YTo=", "a", "");
	expect("Basic OmI=", "", "b");
}

Test(basic, refuses)
{
	static const char *const headers[] = {
		"",
		"Basic",
		"Basic ",
		"Bearer YTpi",
		"BasicYTpi",
		"Basic YTpi=",
		"Basic YTp",
		"Basic YTpi YTpi",
		"Basic =YTp",
		"Basic YT=i",
		"Basic YQ==",
		"Basic ====",
		"Basic YTpi\n",
		"Basic YToAYg==" /* a NUL in the password */,
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		cr_expect_eq(basic_parse(&basic, headers[i]), -EINVAL, "%s", headers[i]);
}

Test(basic, lengths)
{
	char header[4096] = "Basic ";

	/*
	 * 255 characters of user and 511 of password: "aaaa…" is base64 of bytes without a colon,
	 * then ":" and the rest.
	 */
	memset(header + 6, 'Y', 2000);
	header[2006] = '\0';
	cr_expect_eq(basic_parse(&basic, header), -EINVAL);
	memset(header + 6, 'Y', 1024);
	header[1030] = '\0';
	cr_expect_eq(basic_parse(&basic, header), -EINVAL, "no colon within");
}
