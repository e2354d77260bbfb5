// SPDX-License-Identifier: Apache-2.0
#include "web/request/scrape_options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "lib/config/config.h"
#include "lib/time.h"

#define BIT(collector) (1u << COLLECTOR_##collector)
#define ON (BIT(REQUESTS) | BIT(DNS) | BIT(LEAKS))

static struct collect collect;

static void init(void)
{
	collect = (struct collect){ .on = ON };
}

TestSuite(collect, .init = init);

static int take(const char *key, const char *value)
{
	return collect_argument(&collect, key, strlen(key), value, value ? strlen(value) : 0);
}

#define EXPECT_REFUSED(result, line)                 \
	do {                                         \
		cr_expect_eq(result, -EINVAL);       \
		cr_expect_str_eq(collect.why, line); \
	} while (0)

Test(collect, nothing_is_all_that_is_on)
{
	cr_expect_eq(collect_mask(&collect), ON);
}

Test(collect, others_are_passed_over)
{
	static const char *const keys[] = { "",		 "collect", "collect[", "collect[]]",
					    "Collect[]", "exclude", "name[]" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		cr_expect_eq(take(keys[i], "x"), 0, "%s", keys[i]);
	cr_expect_eq(take("x", NULL), 0);
	cr_expect_eq(collect_mask(&collect), ON);
	cr_expect_str_eq(collect.why, "");
}

Test(collect, only_those_that_are_named)
{
	cr_expect_eq(take("collect[]", "requests"), 0);
	cr_expect_eq(collect_mask(&collect), BIT(REQUESTS));
	cr_expect_eq(take("collect[]", "dns"), 0);
	cr_expect_eq(take("collect[]", "dns"), 0);
	cr_expect_eq(collect_mask(&collect), BIT(REQUESTS) | BIT(DNS));
}

Test(collect, all_but_those_that_are_named)
{
	cr_expect_eq(take("exclude[]", "dns"), 0);
	cr_expect_eq(take("exclude[]", "clients"), 0, "it is off");
	cr_expect_eq(collect_mask(&collect), ON & ~BIT(DNS));
	take("exclude[]", "requests");
	take("exclude[]", "leaks");
	cr_expect_eq(collect_mask(&collect), 0);
}

Test(collect, every_collector_has_its_name)
{
	for (unsigned int i = 0; i < COLLECTOR_MAX; i++) {
		collect = (struct collect){ .on = COLLECTOR_ALL };
		cr_expect_eq(take("collect[]", config_collector_name(i)), 0);
		cr_expect_eq(collect_mask(&collect), 1u << i);
	}
}

Test(collect, unknown_names_are_refused)
{
	static const char *const names[] = { "dnss", "dn", "DNS", " dns", "dns,leaks", "x" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_eq(take("collect[]", names[i]), -EINVAL, "%s", names[i]);
	EXPECT_REFUSED(take("collect[]", "speed"), "unknown collector: \"speed\"\n");
	EXPECT_REFUSED(take("exclude[]", "speed"), "unknown collector: \"speed\"\n");
	EXPECT_REFUSED(take("collect[]", ""), "unknown collector: \"\"\n");
	EXPECT_REFUSED(take("collect[]", NULL), "unknown collector: \"\"\n");
	EXPECT_REFUSED(take("collect[]", "a\"\n\tb\x7f\xff"
					 "c d"),
		       "unknown collector: \"a\"??b??c?d\"\n");
	EXPECT_REFUSED(take("collect[]", "0123456789012345678901234567890123456789x"),
		       "unknown collector: \"0123456789012345678901234567890123456789...\"\n");
	cr_expect_eq(collect_argument(&collect, "collect[]", 9, "dns\0x", 5), -EINVAL,
		     "more behind a NUL");
}

Test(collect, what_is_off_is_refused)
{
	EXPECT_REFUSED(take("collect[]", "clients"), "collector is disabled: \"clients\"\n");
}

Test(collect, both_kinds_are_refused)
{
	cr_expect_eq(take("collect[]", "dns"), 0);
	EXPECT_REFUSED(take("exclude[]", "leaks"), "collect[] and exclude[] cannot be combined\n");
	init();
	cr_expect_eq(take("exclude[]", "dns"), 0);
	EXPECT_REFUSED(take("collect[]", "leaks"), "collect[] and exclude[] cannot be combined\n");
}

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
	static const char *const none[] = { NULL, "",	 "x",	"10s",	 "-1",
					    "0",  "nan", "inf", "1e999", "1 2" };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		cr_expect_eq(scrape_timeout_ns(none[i]), 9500 * NS_PER_MS, "%s",
			     none[i] ? none[i] : "NULL");
}

Test(timeout, has_a_limit)
{
	cr_expect_eq(scrape_timeout_ns("1e9"), 299500 * NS_PER_MS);
}
