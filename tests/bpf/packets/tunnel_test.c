// SPDX-License-Identifier: Apache-2.0
/*
 * The tunnel's programs: bytes and packets. Prints `ok NAME`, `not ok NAME: why`; an argument
 * chooses cases.
 */
#include "cases.h"

int main(int argc, char **argv)
{
	static const struct test_case *const lists[] = { tunnel_cases, tunnel_segment_cases,
							 destination_cases };

	return cases_run(lists, sizeof(lists) / sizeof(lists[0]), "tunnel", argc, argv);
}
