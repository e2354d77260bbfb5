// SPDX-License-Identifier: Apache-2.0
#include "web/request/negotiate.h"

#include <criterion/criterion.h>
#include <string.h>

static enum exposition_format format(const char *accept)
{
	struct wishes wishes = { 0 };

	wishes_accept(&wishes, accept, strlen(accept));
	return wishes.format;
}

static bool gzip(const char *encoding)
{
	struct wishes wishes = { 0 };

	wishes_encoding(&wishes, encoding, strlen(encoding));
	return wishes_gzip(&wishes);
}

Test(negotiate, openmetrics)
{
	static const char *const accepts[] = {
		"application/openmetrics-text",
		"application/openmetrics-text;version=1.0.0",
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
		"Application/OpenMetrics-Text ; Version=\"1.0.0\"",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/"
		"plain;version=0.0.4;q=0.3,*/*;q=0.2",
		"text/plain;q=0.5,application/openmetrics-text;q=0.6",
		"application/openmetrics-text,text/plain",
		"foo/bar;a=\"x,y;q=1\",application/openmetrics-text;q=0.001",
		",,;q=1,application/openmetrics-text,,",
		"application/openmetrics-text;q=bogus,text/plain;q=0.999",
	};

	for (size_t i = 0; i < sizeof(accepts) / sizeof(*accepts); i++)
		cr_expect_eq(format(accepts[i]), EXPOSITION_OPENMETRICS, "%s", accepts[i]);
}

Test(negotiate, text)
{
	static const char *const accepts[] = {
		"",
		"*/*",
		"text/html",
		"application/openmetrics-text;version=0.0.1",
		"application/openmetrics-text;version=2.0.0",
		"application/openmetrics-text;q=0",
		"application/openmetrics-text;q=0.000",
		"text/plain,application/openmetrics-text",
		"text/plain;version=0.0.4;q=0.8,application/openmetrics-text;q=0.75",
		"application/openmetrics-textual",
		"application/openmetrics-text\"",
	};

	for (size_t i = 0; i < sizeof(accepts) / sizeof(*accepts); i++)
		cr_expect_eq(format(accepts[i]), EXPOSITION_TEXT, "%s", accepts[i]);
}

Test(negotiate, fields_are_one_list)
{
	struct wishes wishes = { 0 };

	wishes_accept(&wishes, "text/plain;q=0.5", 16);
	wishes_accept(&wishes, "application/openmetrics-text;q=0.6", 34);
	cr_expect_eq(wishes.format, EXPOSITION_OPENMETRICS);
}

Test(negotiate, gzip)
{
	cr_expect(gzip("gzip"));
	cr_expect(gzip("deflate, GZIP;q=0.2"));
	cr_expect(gzip("*"));
	cr_expect(gzip("gzip, identity"));
	cr_expect(gzip("*;q=0, gzip"));
	cr_expect_not(gzip(""));
	cr_expect_not(gzip("gzip;q=0"));
	cr_expect_not(gzip("gzip;q=0, *"));
	cr_expect_not(gzip("*;q=0"));
	cr_expect_not(gzip("gzip;q=0.5, identity;q=0.6"));
	cr_expect_not(gzip("gzipped, br"));
}
