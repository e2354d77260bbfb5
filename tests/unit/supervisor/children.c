// SPDX-License-Identifier: Apache-2.0
#include "supervisor/children.h"

#include <criterion/criterion.h>
#include "lib/time.h"

Test(backoff, at_once_then_slower_but_within_a_second)
{
	static const unsigned int wanted_ms[] = { 0, 0, 0, 100, 200, 400, 800, 800 };

	for (unsigned int i = 0; i < sizeof(wanted_ms) / sizeof(*wanted_ms); i++)
		cr_expect_eq(backoff_delay_ns(i), wanted_ms[i] * 1000000ull, "after %u", i);
	for (unsigned int i = 6; i <= 30; i++)
		cr_expect_eq(backoff_delay_ns(i), 800 * 1000000ull, "after %u", i);
}

Test(backoff, much_slower_when_it_never_works)
{
	cr_expect_eq(backoff_delay_ns(31), 10 * NS_PER_S);
	cr_expect_eq(backoff_delay_ns(~0u), 10 * NS_PER_S);
}
