// SPDX-License-Identifier: Apache-2.0
/*
 * The underlay's programs: SOCKS dialogues in segments. Prints `ok NAME`, `not ok NAME: why`; an
 * argument chooses cases.
 */
#include "cases.h"

int main(int argc, char **argv)
{
	static const struct test_case *const lists[] = { dialogue_cases, stream_cases,
							 order_cases,	 concurrency_cases,
							 settle_cases,	 early_cases,
							 header_cases,	 client_cases };

	return cases_run(lists, sizeof(lists) / sizeof(lists[0]), "underlay", argc, argv);
}
