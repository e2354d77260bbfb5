// SPDX-License-Identifier: Apache-2.0
/*
 * WireGuard handshakes on the underlay. Prints `ok NAME`, `not ok NAME: why`; an argument chooses
 * cases.
 */
#include "cases.h"

int main(int argc, char **argv)
{
	static const struct test_case *const lists[] = { handshake_cases };

	return cases_run(lists, sizeof(lists) / sizeof(lists[0]), "handshake", argc, argv);
}
