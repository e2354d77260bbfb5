// SPDX-License-Identifier: Apache-2.0
#include "lib/exposition/number.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN(call)                                \
	({                                         \
		static char text_[NUMBER_MAX + 1]; \
		char *to = text_;                  \
		*(call) = '\0';                    \
		text_;                             \
	})

Test(number, unsigned_is_exact)
{
	cr_expect_str_eq(SHOWN(number_unsigned(to, 0)), "0");
	cr_expect_str_eq(SHOWN(number_unsigned(to, 10)), "10");
	cr_expect_str_eq(SHOWN(number_unsigned(to, 9007199254740993)), "9007199254740993");
	cr_expect_str_eq(SHOWN(number_unsigned(to, UINT64_MAX)), "18446744073709551615");
}

Test(number, seconds_lose_nothing)
{
	cr_expect_str_eq(SHOWN(number_seconds(to, 0)), "0");
	cr_expect_str_eq(SHOWN(number_seconds(to, 1)), "0.000000001");
	cr_expect_str_eq(SHOWN(number_seconds(to, 2500000)), "0.0025");
	cr_expect_str_eq(SHOWN(number_seconds(to, 1000000000)), "1");
	cr_expect_str_eq(SHOWN(number_seconds(to, 86400000000000)), "86400");
	cr_expect_str_eq(SHOWN(number_seconds(to, 10100000000)), "10.1");
	cr_expect_str_eq(SHOWN(number_seconds(to, UINT64_MAX)), "18446744073.709551615");
}

Test(number, floats_are_short)
{
	cr_expect_str_eq(SHOWN(number_float(to, 0)), "0");
	cr_expect_str_eq(SHOWN(number_float(to, -0.0)), "-0");
	cr_expect_str_eq(SHOWN(number_float(to, 0.1)), "0.1");
	cr_expect_str_eq(SHOWN(number_float(to, 0.1 + 0.2)), "0.30000000000000004");
	cr_expect_str_eq(SHOWN(number_float(to, -2.5)), "-2.5");
	cr_expect_str_eq(SHOWN(number_float(to, 1795376532.844)), "1795376532.844");
	cr_expect_str_eq(SHOWN(number_float(to, 1e300)), "1e+300");
	cr_expect_str_eq(SHOWN(number_float(to, 5e-324)), "4.94065645841247e-324");
	cr_expect_str_eq(SHOWN(number_float(to, NAN)), "NaN");
	cr_expect_str_eq(SHOWN(number_float(to, INFINITY)), "+Inf");
	cr_expect_str_eq(SHOWN(number_float(to, -INFINITY)), "-Inf");
	cr_expect_eq(strlen(SHOWN(number_float(to, -DBL_MAX))), 24);
}

Test(number, floats_read_back_the_same)
{
	uint64_t state = 88172645463325252ull;

	for (int i = 0; i < 100000; i++) {
		double value;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(&value, &state, sizeof(value));
		if (isfinite(value))
			cr_assert_eq(strtod(SHOWN(number_float(to, value)), NULL), value, "%a",
				     value);
	}
}
