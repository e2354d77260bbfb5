// SPDX-License-Identifier: Apache-2.0
/* Random and mutated packets. Prints `ok NAME`, `not ok NAME: why`; an argument chooses cases. */
#include "cases.h"

int main(int argc, char **argv)
{
	static const struct test_case *const lists[] = { fuzz_tunnel_cases, fuzz_cases };

	return cases_run(lists, sizeof(lists) / sizeof(lists[0]), "fuzz", argc, argv);
}
