// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "lib/metrics/metrics.h"

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

Test(family, beyond_the_table)
{
	cr_expect_null(metric_family(METRIC_MAX));
	cr_expect_null(metric_family(~0u));
}

Test(family, rows_match_their_ids)
{
	cr_expect_str_eq(metric_family(METRIC_PROXY_INFO)->name, "proxy_info");
	cr_expect_str_eq(metric_family(METRIC_HTTP_IN_FLIGHT)->name, "promhttp_metric_handler_requests_in_flight");
	cr_expect_eq(metric_family(METRIC_PROXY_REQUEST_DURATION)->type, METRIC_HISTOGRAM);
	cr_expect_eq(metric_family(METRIC_PROXY_ACTIVE)->type, METRIC_GAUGE);
}

Test(family, labels_are_split)
{
	const struct metric_family *traffic = metric_family(METRIC_VPN_RECEIVE_BYTES);
	static const char *const labels[] = { "proxy_name", "interface", "family", "protocol" };

	cr_assert_eq(traffic->label_count, 4);
	for (unsigned int i = 0; i < 4; i++)
		cr_expect_str_eq(traffic->labels[i], labels[i]);
	cr_expect_null(traffic->labels[4]);
	cr_expect_eq(metric_family(METRIC_PINNED)->label_count, 0);
}

Test(family, names_follow_the_rules)
{
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);

		for (const char *c = family->name; *c; c++)
			cr_expect(islower(*c) || isdigit(*c) || *c == '_', "%s", family->name);
		cr_expect_eq(ends_with(family->name, "_total"), family->type == METRIC_COUNTER, "%s", family->name);
		cr_expect(!*family->unit || strstr(family->name, family->unit), "%s", family->name);
		cr_expect(family->type != METRIC_HISTOGRAM || ends_with(family->name, "_seconds"), "%s", family->name);
		for (unsigned int j = 0; j < i; j++)
			cr_expect_str_neq(family->name, metric_family(j)->name);
	}
}

Test(family, help_is_one_line)
{
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);

		cr_expect(ends_with(family->help, "."), "%s", family->name);
		cr_expect_null(strpbrk(family->help, "\n\\"), "%s is printed as it is", family->name);
	}
}

Test(family, labels_follow_the_rules)
{
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);
		bool proxy = starts_with(family->name, "proxy_") || starts_with(family->name, "vpn_");

		cr_expect(!proxy || (family->label_count && !strcmp(family->labels[0], "proxy_name")), "%s",
			  family->name);
		cr_expect(!starts_with(family->name, "vpn_interface_") || !strcmp(family->labels[1], "interface"));
		for (unsigned int l = 0; l < family->label_count; l++) {
			cr_assert_not_null(family->labels[l], "%s", family->name);
			cr_expect_neq(*family->labels[l], '\0', "%s", family->name);
			cr_expect_str_neq(family->labels[l], "le", "%s", family->name);
			for (unsigned int k = 0; k < l; k++)
				cr_expect_str_neq(family->labels[l], family->labels[k], "%s", family->name);
		}
	}
}
