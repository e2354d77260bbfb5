// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "collector/discovery/netlink.h"
#include "namespace.h"

struct netlink_request {
	char bytes[64] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *links_request(struct netlink_request *request, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(request->bytes);

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = flags;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	return header;
}

static int count_all(const struct nlmsghdr *message, void *context)
{
	++*(int *)context;
	return MNL_CB_OK;
}

static int count_one(const struct nlmsghdr *message, void *context)
{
	++*(int *)context;
	return MNL_CB_STOP;
}

/* Messages left in the socket by an aborted request are not taken for the next answer. */
Test(netlink, a_stopped_dump_is_forgotten)
{
	struct netlink_request request;
	int fd, count = 0;

	enter_namespace();
	fd = netlink_open(NETLINK_ROUTE);
	cr_assert_geq(fd, 0);
	cr_assert_eq(netlink_ask(fd, links_request(&request, NLM_F_DUMP), count_one, &count), 0);
	cr_assert_eq(count, 1);
	cr_assert_eq(netlink_ask(fd, links_request(&request, NLM_F_DUMP), count_all, &count), 0);
	cr_assert_eq(count, 2, "lo is all there is");
	close(fd);
}

Test(netlink, refusals_and_silence)
{
	struct netlink_request request;
	int fd = netlink_open(NETLINK_ROUTE), count = 0;
	char byte;

	cr_assert_eq(netlink_receive(fd, &byte, 1), -EAGAIN);
	cr_assert_eq(netlink_ask(fd, links_request(&request, NLM_F_ACK), count_all, &count),
		     -EINVAL, "neither index nor name");
	cr_assert_eq(netlink_open(999), -EPROTONOSUPPORT);
	close(fd);
	cr_assert_eq(netlink_ask(fd, links_request(&request, NLM_F_ACK), count_all, &count),
		     -EBADF);
}
