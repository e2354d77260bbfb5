// SPDX-License-Identifier: Apache-2.0
#include "web/request/gate.h"

#include <criterion/criterion.h>
#include "lib/time.h"

Test(limit, burst_and_then_one_an_interval)
{
	struct limit limit = { 0 };

	for (int i = 0; i < 3; i++)
		cr_expect(limit_take(&limit, NS_PER_S, 3, 5 * NS_PER_S));
	cr_expect_not(limit_take(&limit, NS_PER_S, 3, 5 * NS_PER_S));
	cr_expect_not(limit_take(&limit, NS_PER_S, 3, 5 * NS_PER_S + NS_PER_S - 1));
	cr_expect(limit_take(&limit, NS_PER_S, 3, 6 * NS_PER_S));
	cr_expect_not(limit_take(&limit, NS_PER_S, 3, 6 * NS_PER_S));
	for (int i = 0; i < 3; i++)
		cr_expect(limit_take(&limit, NS_PER_S, 3, 100 * NS_PER_S));
	cr_expect_not(limit_take(&limit, NS_PER_S, 3, 100 * NS_PER_S));
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
	cr_expect_not(limit_take(&limit, UINT64_MAX / 4, 1000000000, 7),
		      "the bucket has room for one such interval");
}
