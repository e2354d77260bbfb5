// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "lib/metrics/metrics.h"

Test(help, tells_every_family)
{
	char text[65536] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");
	size_t column = 0;

	cr_assert_eq(metrics_help_write(f), 0);
	fclose(f);
	column = (size_t)(strstr(text, "TYPE") - text);
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);
		char start[256];
		const char *line;

		snprintf(start, sizeof(start), "\n%s ", family->name);
		line = strstr(text, start);
		cr_assert_not_null(line, "%s", family->name);
		cr_expect_eq(strncmp(line + 1 + column, metric_type_name(family->type), 5), 0, "%s is aligned",
			     family->name);
		cr_expect_not_null(strstr(line, family->help), "%s", family->name);
	}
	cr_expect_not_null(strstr(text, "bytes    proxy_name,interface,family,protocol\n"));
}

Test(help, says_when_it_cannot_write)
{
	FILE *full = fopen("/dev/full", "w");

	cr_assert_not_null(full);
	cr_expect_eq(metrics_help_write(full), -EIO);
	fclose(full);
}
