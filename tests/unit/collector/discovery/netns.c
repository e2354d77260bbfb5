// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "collector/discovery/netns.h"
#include "namespace.h"

Test(netns, inode_is_that_of_proc)
{
	struct stat status;
	uint32_t inode;

	cr_assert_eq(netns_inode(&inode), 0);
	cr_assert_eq(stat("/proc/self/ns/net", &status), 0);
	cr_assert_eq(inode, status.st_ino);
}

Test(netns, another_namespace_is_another)
{
	uint64_t cookie = netns_cookie();
	uint32_t before, after;

	cr_assert_eq(netns_inode(&before), 0);
	enter_namespace();
	cr_assert_eq(netns_inode(&after), 0);
	cr_assert_neq(before, after);
	if (cookie == 0)
		cr_skip("this kernel has no cookies");
	cr_assert_neq(netns_cookie(), 0);
	cr_assert_neq(netns_cookie(), cookie);
	cr_assert_eq(netns_cookie(), netns_cookie());
}
