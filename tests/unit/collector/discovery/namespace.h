/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private network namespace (Criterion runs each test in a process), with lo up; skips without
 * the right.
 */
#pragma once

#include <sched.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#define enter_namespace()                                                       \
	do {                                                                    \
		if (unshare(CLONE_NEWNET) != 0)                                 \
			cr_skip("needs CAP_SYS_ADMIN for a network namespace"); \
		cr_assert_eq(system("ip link set lo up"), 0, "ip is missing");  \
	} while (0)
