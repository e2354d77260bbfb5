// SPDX-License-Identifier: Apache-2.0
#include "health/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct target target;

static int parse(const char *text)
{
	memset(&target, 0xa5, sizeof(target));
	return target_parse(&target, text);
}

static void expect_path(const char *text, enum target_path path)
{
	cr_expect_eq(parse(text), 0, "%s", text);
	cr_expect_eq(target.path, path, "%s: %d", text, (int)target.path);
}

Test(target, paths)
{
	expect_path("/", TARGET_ROOT);
	expect_path("/livez", TARGET_LIVEZ);
	expect_path("/healthz", TARGET_HEALTHZ);
	expect_path("/readyz", TARGET_READYZ);
	expect_path("/startupz", TARGET_STARTUPZ);
	expect_path("/%72eady%7A", TARGET_READYZ);
	expect_path("/livez/", TARGET_UNKNOWN);
	expect_path("/LIVEZ", TARGET_UNKNOWN);
	expect_path("/live", TARGET_UNKNOWN);
	expect_path("//", TARGET_UNKNOWN);
	expect_path("/a-path-that-is-longer-than-any-of-ours", TARGET_UNKNOWN);
}

Test(target, in_absolute_form)
{
	expect_path("http://10.0.0.1:9999/readyz?verbose", TARGET_READYZ);
	cr_expect(target.verbose);
	expect_path("HTTP://host", TARGET_ROOT);
	cr_expect_lt(parse("https://host/"), 0);
	cr_expect_lt(parse("*"), 0);
	cr_expect_lt(parse("host:80"), 0);
}

Test(target, query)
{
	cr_assert_eq(parse("/readyz"), 0);
	cr_expect_not(target.verbose);
	cr_expect_not(target.proxy_given);
	cr_assert_eq(parse("/readyz?verbose"), 0);
	cr_expect(target.verbose);
	cr_assert_eq(parse("/readyz?a=b&verbose=1&&proxy=golden-crab#proxy=x"), 0);
	cr_expect(target.verbose);
	cr_expect(target.proxy_given);
	cr_expect_str_eq(target.proxy, "golden-crab");
	cr_assert_eq(parse("/readyz?verbosely&aproxy=x&proxy"), 0);
	cr_expect_not(target.verbose);
	cr_expect_not(target.proxy_given);
	cr_assert_eq(parse("/readyz?proxy="), 0);
	cr_expect(target.proxy_given);
	cr_expect_str_eq(target.proxy, "");
	cr_assert_eq(parse("/readyz?proxy=a&proxy=b"), 0);
	cr_expect_str_eq(target.proxy, "a", "the first");
}

Test(target, name_is_decoded)
{
	cr_assert_eq(parse("/readyz?proxy=a%22b%5C%0a+%2b%C3%A4%26"), 0);
	cr_expect_str_eq(target.proxy, "a\"b\\\n +\xc3\xa4&");
	cr_expect_eq(parse("/readyz?proxy=a%"), -EINVAL);
	cr_expect_eq(parse("/readyz?proxy=a%4"), -EINVAL);
	cr_expect_eq(parse("/readyz?proxy=%4x"), -EINVAL);
	cr_expect_eq(parse("/readyz?proxy=a%00b"), -EINVAL);
	cr_expect_eq(parse("/%zz"), -EINVAL);
	cr_expect_eq(parse("/readyz?other=%"), 0, "nobody reads it");
	cr_expect_eq(parse("/readyz?proxy=a%4&verbose"), -EINVAL,
		     "an escape ends with its parameter");
}

Test(target, longest_name)
{
	static char text[3 * CONFIG_NAME_SIZE + 64];

	for (int more = 0; more <= 1; more++) {
		size_t at = (size_t)sprintf(text, "/readyz?proxy=");

		for (int i = 0; i < CONFIG_NAME_SIZE - 1 + more; i++)
			at += (size_t)sprintf(text + at, "%%41");
		cr_assert_eq(parse(text), 0);
		cr_expect(target.proxy_given);
		cr_expect_eq(strlen(target.proxy), more ? 0 : CONFIG_NAME_SIZE - 1);
	}
}

Test(target, decoding_stays_in_its_buffer)
{
	char out[4];

	cr_expect_eq(percent_decode("abc", 3, false, out, sizeof(out)), 3);
	cr_expect_eq(percent_decode("abcd", 4, false, out, sizeof(out)), -ENAMETOOLONG);
	cr_expect_eq(percent_decode("a+b", 3, false, out, sizeof(out)), 3);
	cr_expect_str_eq(out, "a+b");
	cr_expect_eq(percent_decode("%41", 2, false, out, sizeof(out)), -EINVAL);
	cr_expect_eq(percent_decode("%412", 1, false, out, sizeof(out)), -EINVAL);
}
