// SPDX-License-Identifier: Apache-2.0
#include "web/request/gate.h"

#include <criterion/criterion.h>

#define SECOND 1000000000ull

Test(limit, burst_and_then_one_an_interval)
{
	struct limit limit = { 0 };

	for (int i = 0; i < 3; i++)
		cr_expect(limit_take(&limit, SECOND, 3, 5 * SECOND));
	cr_expect_not(limit_take(&limit, SECOND, 3, 5 * SECOND));
	cr_expect_not(limit_take(&limit, SECOND, 3, 5 * SECOND + SECOND - 1));
	cr_expect(limit_take(&limit, SECOND, 3, 6 * SECOND));
	cr_expect_not(limit_take(&limit, SECOND, 3, 6 * SECOND));
	for (int i = 0; i < 3; i++)
		cr_expect(limit_take(&limit, SECOND, 3, 100 * SECOND));
	cr_expect_not(limit_take(&limit, SECOND, 3, 100 * SECOND));
}

Test(limit, none)
{
	struct limit limit = { 0 };

	for (int i = 0; i < 1000; i++)
		cr_expect(limit_take(&limit, 0, 0, 1));
}

Test(limit, largest)
{
	struct limit limit = { 0 };

	cr_expect(limit_take(&limit, UINT64_MAX / 4, 1000000000, 7));
	cr_expect_not(limit_take(&limit, UINT64_MAX / 4, 1000000000, 7), "the bucket has room for one such interval");
}
