// SPDX-License-Identifier: Apache-2.0
/* tc_filter_parse (userspace/collector/attach/tc.c): a datagram of rtnetlink. */
#include "netlink.h"

#include <errno.h>

#include "collector/attach/tc.h"

static int each(const struct nlmsghdr *message, void *context)
{
	uint32_t ifindex = 3;
	struct tc_filter filter;
	int r;

	memset(&filter, 0xa5, sizeof(filter));
	r = tc_filter_parse(message, ifindex, &filter);
	CHECK(r == 0 || r == -ENOMSG || r == -EBADMSG, "%d", r);
	if (r)
		return MNL_CB_OK;
	CHECK(memchr(filter.kind, '\0', sizeof(filter.kind)) && filter.kind[0]);
	CHECK(memchr(filter.name, '\0', sizeof(filter.name)));
	CHECK(!filter.name[0] || !strcmp(filter.kind, "bpf"),
	      "the name of a filter of another kind");
	return MNL_CB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	netlink_feed(data, size, each);
	return 0;
}
