// SPDX-License-Identifier: Apache-2.0
#include "web/request/timeout.h"

#include <criterion/criterion.h>
#include <wgsocks/time.h>

Test(timeout, leaves_a_margin)
{
	cr_expect_eq(scrape_timeout_ns("10"), 9500 * NS_PER_MS);
	cr_expect_eq(scrape_timeout_ns("10.000000"), 9500 * NS_PER_MS);
	cr_expect_eq(scrape_timeout_ns("1"), 950 * NS_PER_MS);
	cr_expect_eq(scrape_timeout_ns("60"), 59500 * NS_PER_MS);
	cr_expect_eq(scrape_timeout_ns("0.1"), 95 * NS_PER_MS);
}

Test(timeout, has_a_default)
{
	static const char *const none[] = { NULL, "", "x", "10s", "-1", "0", "nan", "inf", "1e999", "1 2" };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		cr_expect_eq(scrape_timeout_ns(none[i]), 9500 * NS_PER_MS, "%s", none[i] ? none[i] : "NULL");
}

Test(timeout, has_a_limit)
{
	cr_expect_eq(scrape_timeout_ns("1e9"), 299500 * NS_PER_MS);
}
