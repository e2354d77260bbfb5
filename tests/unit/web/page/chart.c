// SPDX-License-Identifier: Apache-2.0
#include "web/page/chart.h"

#include <criterion/criterion.h>
#include <math.h>

static const struct chart chart = { .count = 5, .step = 3, .height = 10, .top = 10 };

static const char *path(const double *values, unsigned int known, bool closed)
{
	static struct text text;

	text_reset(&text);
	chart_path(&text, &chart, values, known, closed);
	text_add(&text, "", 1);
	return text.data;
}

Test(chart, goes_up_and_down)
{
	cr_expect_str_eq(path((double[]){ 0, 10, 5, 5, 5 }, 5, false), "M0 10l3-10l3 5h6");
}

Test(chart, to_be_filled)
{
	cr_expect_str_eq(path((double[]){ 1, 1, 1, 1, 2 }, 5, true), "M0 10V9h9l3-1V10z");
}

/* The curve is at the right: unknown values are not drawn as 0. */
Test(chart, as_far_as_it_is_known)
{
	cr_expect_str_eq(path((double[]){ 9, 9, 9, 1, 2 }, 2, false), "M9 9l3-1");
	cr_expect_str_eq(path((double[]){ 9, 9, 9, 1, 2 }, 1, false), "M9 8h3");
	cr_expect_str_eq(path((double[]){ 9, 9, 9, 1, 2 }, 0, false), "");
	cr_expect_str_eq(path((double[]){ 0, 0, 0, 0, 0 }, 99, false), "M0 10h12");
}

Test(chart, stays_within)
{
	cr_expect_str_eq(path((double[]){ INFINITY, 1e300, -5, NAN, 11 }, 5, false),
			 "M0 0h3l3 10h3l3-10");
}

Test(chart, tops)
{
	const double tops[][2] = { { 0, 0 },	   { -1, 0 },	 { NAN, 0 },	   { INFINITY, 0 },
				   { 1, 1 },	   { 1.2, 1.5 }, { 25932, 30000 }, { 0.3, 0.3 },
				   { 0.07, 0.08 }, { 9, 10 },	 { 1e19, 1e19 },   { 81, 100 } };

	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		cr_expect_float_eq(chart_top(tops[i][0]), tops[i][1], tops[i][1] * 1e-9, "%g: %g",
				   tops[i][0], chart_top(tops[i][0]));
}
