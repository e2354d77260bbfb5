// SPDX-License-Identifier: Apache-2.0
/*
 * DNS, in the tunnel and outside it. Prints `ok NAME`, `not ok NAME: why`; an argument chooses
 * cases.
 */
#include "cases.h"

int main(int argc, char **argv)
{
	static const struct test_case *const lists[] = { dns_cases, dns_stream_cases };

	return cases_run(lists, sizeof(lists) / sizeof(lists[0]), "dns", argc, argv);
}
