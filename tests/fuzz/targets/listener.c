// SPDX-License-Identifier: Apache-2.0
/* listener_parse (userspace/collector/discovery/listeners.c): a datagram of inet_diag. */
#include "netlink.h"

#include <errno.h>
#include <sys/socket.h>

#include "collector/discovery/listeners.h"

static int each(const struct nlmsghdr *message, void *context)
{
	const uint8_t *payload = mnl_nlmsg_get_payload(message);
	struct listener listener;
	int r;

	memset(&listener, 0xa5, sizeof(listener));
	r = listener_parse(message, &listener);
	CHECK(r == 0 || r == -ENOMSG || r == -EBADMSG, "%d", r);
	if (r)
		return MNL_CB_OK;
	CHECK(listener.family == AF_INET || listener.family == AF_INET6);
	CHECK(payload[1] == 10, "state %u is not LISTEN", payload[1]);
	CHECK(listener.port == (payload[4] << 8 | payload[5]), "port %u", listener.port);
	return MNL_CB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	netlink_feed(data, size, each);
	return 0;
}
