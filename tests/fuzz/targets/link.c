// SPDX-License-Identifier: Apache-2.0
/* link_parse (userspace/collector/discovery/links.c): a datagram of rtnetlink. */
#include "netlink.h"

#include <errno.h>

#include "collector/discovery/links.h"

static int each(const struct nlmsghdr *message, void *context)
{
	static const struct config config = { .interface = "wg[0-9]*" };
	enum link_event event = (enum link_event)77;
	struct link link;
	int r;

	memset(&link, 0xa5, sizeof(link));
	r = link_parse(message, &link, &event);
	CHECK(r == 0 || r == -ENOMSG || r == -EBADMSG, "%d", r);
	if (r)
		return MNL_CB_OK;
	CHECK(event == LINK_PRESENT || event == LINK_GONE);
	CHECK(link.ifindex && link.ifindex <= INT32_MAX);
	CHECK(link.name[0] && memchr(link.name, '\0', sizeof(link.name)) &&
	      memchr(link.kind, '\0', sizeof(link.kind)));
	CHECK(link.l2_header_length == 0 || link.l2_header_length == 14 ||
	      link.l2_header_length == LINK_L2_UNKNOWN);
	CHECK(link.has_stats ||
	      !(link.rx_bytes | link.tx_bytes | link.rx_packets | link.tx_packets));
	CHECK(!link_is_tunnel(&link, &config) ||
	      (!link.is_loopback && !strncmp(link.name, "wg", 2)));
	return MNL_CB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	netlink_feed(data, size, each);
	return 0;
}
