// SPDX-License-Identifier: Apache-2.0
#include "web/response/pages.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/metrics/metrics.h"

static struct config config = { .telemetry_path = "/metrics",
				.interface = "wg0",
				.proxies_max = 4 };
static struct self_metrics self;
static struct pages pages;
static struct snapshot_builder builder;
static struct snapshot samples;

static void init(void)
{
	uint32_t name = snapshot_string(&builder, "crab");

	snapshot_add_unsigned(&builder, METRIC_PROXY_INFO, &name, 1);
	snapshot_view(&samples, &builder);
	self = (struct self_metrics){ .config = &config, .shared = shared_create(4) };
	cr_assert_not_null(self.shared);
}

TestSuite(pages, .init = init);

static struct body *get(uint64_t round, const char *proxy, bool answered)
{
	const struct pages_source source = { &self, round, answered ? &samples : NULL,
					     proxy, NULL,  1 };
	struct body *body = pages_get(&pages, &source);

	cr_assert_not_null(body);
	return body;
}

static bool says(const struct body *body, const char *words)
{
	return memmem(body->text.data, body->text.size, words, strlen(words));
}

Test(pages, of_all_are_shared_in_a_round)
{
	struct body *one = get(1, NULL, true), *other = get(1, NULL, true), *next;

	cr_expect_eq(one, other);
	cr_expect_eq(one->users, 3);
	next = get(2, NULL, false);
	cr_expect_neq(next, one, "somebody still reads the old one");
	cr_expect(says(one, "crab"));
	cr_expect(says(next, "The collector does not answer"));
	body_release(one);
	body_release(other);
	body_release(next);
	cr_expect_eq(get(3, NULL, true), next, "nobody reads it any more: it is used again");
}

Test(pages, of_one_are_the_asker_s)
{
	struct body *one = get(1, "crab", true), *other = get(1, "salmon", true),
		    *all = get(1, NULL, true);

	cr_expect_eq(one->users, 1);
	cr_expect(says(one, "<article"));
	cr_expect(says(other, "No proxy named <b>salmon</b>"));
	cr_expect_neq(all, one);
	body_release(one);
	body_release(other);
	body_release(all);
	pages_free(&pages);
}

Test(pages, compressed)
{
	static struct gzip gzip;
	struct pages_source source = { &self, 1, &samples, NULL, &gzip, 1 };
	struct body *all = pages_get(&pages, &source), *again, *one, *plain;

	cr_assert_not_null(all);
	cr_expect_eq(memcmp(all->text.data, "\x1f\x8b", 2), 0);
	again = pages_get(&pages, &source);
	cr_expect_eq(again, all, "once for all who want it so");
	source.proxy = "crab";
	one = pages_get(&pages, &source);
	cr_assert_not_null(one);
	cr_expect_eq(one->users, 1);
	cr_expect_eq(memcmp(one->text.data, "\x1f\x8b", 2), 0);
	plain = get(1, NULL, true);
	cr_expect(says(plain, "</html>"));
	body_release(plain);
	body_release(one);
	body_release(again);
	body_release(all);
	pages_free(&pages);
}
