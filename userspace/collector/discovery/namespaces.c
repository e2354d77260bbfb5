// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/namespaces.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "collector/discovery/netlink.h"
#include "lib/cleanup.h"

#define READ_BATCH 256
/* The pods of a node can all end at once. Needs CAP_NET_ADMIN; otherwise the system limit applies.
 */
#define EVENTS_BYTES (1 << 20)

static int subscribe(int fd)
{
	int groups[] = { RTNLGRP_LINK, RTNLGRP_NSID }, on = 1, bytes = EVENTS_BYTES;

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)) ? -errno : 0;
}

int namespaces_open(struct namespaces *namespaces)
{
	*namespaces =
		(struct namespaces){ .events_fd = netlink_open(NETLINK_ROUTE), .requests_fd = -1 };
	if (namespaces->events_fd < 0)
		return namespaces->events_fd;
	namespaces->requests_fd = netlink_open(NETLINK_ROUTE);
	if (namespaces->requests_fd < 0)
		return namespaces->requests_fd;
	return subscribe(namespaces->events_fd);
}

void namespaces_close(struct namespaces *namespaces)
{
	close_descriptor(&namespaces->events_fd);
	close_descriptor(&namespaces->requests_fd);
}

/* ---- numbers ---- */

static int read_nsid(const struct nlattr *attribute, void *context)
{
	if (mnl_attr_get_type(attribute) == NETNSA_NSID &&
	    !mnl_attr_validate(attribute, MNL_TYPE_U32))
		*(int32_t *)context = (int32_t)mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int on_nsid(const struct nlmsghdr *message, void *context)
{
	if (message->nlmsg_type == RTM_NEWNSID || message->nlmsg_type == RTM_DELNSID)
		mnl_attr_parse(message, sizeof(struct rtgenmsg), read_nsid, context);
	return MNL_CB_OK;
}

static int ask(struct namespaces *namespaces, uint16_t type, uint16_t attribute, uint32_t value,
	       int32_t *nsid)
{
	char buffer[128] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_ACK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(request, attribute, value);
	if (type == RTM_NEWNSID)
		mnl_attr_put_u32(request, NETNSA_NSID, (uint32_t)NETNSA_NSID_NOT_ASSIGNED);
	*nsid = NETNSA_NSID_NOT_ASSIGNED;
	return netlink_ask(namespaces->requests_fd, request, on_nsid, nsid);
}

int namespaces_number(struct namespaces *namespaces, int netns_fd, int32_t *nsid)
{
	int r = ask(namespaces, RTM_GETNSID, NETNSA_FD, (uint32_t)netns_fd, nsid);

	if (r || *nsid != NETNSA_NSID_NOT_ASSIGNED)
		return r;
	r = ask(namespaces, RTM_NEWNSID, NETNSA_FD, (uint32_t)netns_fd, nsid);
	if (r && r != -EEXIST) /* another process was faster */
		return r;
	return ask(namespaces, RTM_GETNSID, NETNSA_FD, (uint32_t)netns_fd, nsid);
}

int namespaces_alive(struct namespaces *namespaces, int32_t nsid)
{
	int32_t found;
	/* Asks for the namespace by its number; the kernel answers with the same number. */
	int r = ask(namespaces, RTM_GETNSID, NETNSA_NSID, (uint32_t)nsid, &found);

	if (r == -EINVAL || r == -ENOENT)
		return 0;
	return r ?: found == nsid;
}

/* ---- events ---- */

struct namespace_handler {
	namespace_link_callback *on_link;
	namespace_gone_callback *on_gone;
	void *context;
	int32_t nsid;
};

static int on_message(const struct nlmsghdr *message, void *context)
{
	const struct namespace_handler *handler = context;
	enum link_event event;
	struct link link;
	int32_t gone = NSID_NONE;

	if (message->nlmsg_type == RTM_DELNSID) {
		on_nsid(message, &gone);
		if (handler->nsid == NSID_NONE && gone != NSID_NONE) /* a number in our namespace */
			handler->on_gone(gone, handler->context);
	} else if (!link_parse(message, &link, &event)) {
		handler->on_link(handler->nsid, &link, event, handler->context);
	}
	return MNL_CB_OK;
}

/*
 * Receives one datagram and its source; ignores senders other than the kernel. Returns its length
 * or -errno.
 */
static ssize_t receive(int fd, void *buffer, size_t size, int32_t *nsid)
{
	char control[CMSG_SPACE(sizeof(int32_t))] __attribute__((aligned(sizeof(size_t))));
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t length;

	do {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		message.msg_namelen = sizeof(from);
		length = recvmsg(fd, &message, MSG_DONTWAIT);
	} while (length >= 0 && from.nl_pid != 0);
	if (length < 0)
		return -errno;
	if (message.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	*nsid = NSID_NONE;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(nsid, CMSG_DATA(c), sizeof(*nsid));
	}
	return length;
}

int namespaces_read(struct namespaces *namespaces, namespace_link_callback *on_link,
		    namespace_gone_callback *on_gone, void *context)
{
	char buffer[NETLINK_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct namespace_handler handler = { .on_link = on_link,
					     .on_gone = on_gone,
					     .context = context };
	bool lost = false;

	for (int i = 0; i < READ_BATCH; i++) {
		ssize_t length =
			receive(namespaces->events_fd, buffer, sizeof(buffer), &handler.nsid);

		if (length == -EAGAIN)
			return lost ? -ENOBUFS : 0;
		if (length == -ENOBUFS || length == -EINTR) {
			lost |= length == -ENOBUFS;
			continue;
		}
		if (length < 0)
			return (int)length;
		netlink_run(buffer, (size_t)length, 0, on_message, &handler);
	}
	return lost ? -ENOBUFS : 1;
}
