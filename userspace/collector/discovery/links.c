// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/links.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "collector/discovery/netlink.h"
#include "lib/cleanup.h"

/* datagrams per links_read; the socket stays readable, so that other work continues */
#define READ_BATCH 256
#define DUMP_ATTEMPTS 8

struct link_handler {
	link_callback *callback;
	void *context;
	int count;
};

/*
 * Returns the bytes before the IP header of a packet at tc, like dev_is_mac_header_xmit() in the
 * kernel.
 */
static int l2_header_length(uint16_t type)
{
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK: return 14;
	case ARPHRD_NONE: /* WireGuard, tun */
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
	/* Its two bytes exist only below tc: no header_ops, and removed before a packet comes up */
	case ARPHRD_PPP:
	case ARPHRD_RAWIP: return 0;
	default: return LINK_L2_UNKNOWN;
	}
}

static void read_string(char *target, const struct nlattr *attribute)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_STRING) < 0)
		return;
	/* A string attribute is not always terminated. */
	snprintf(target, LINK_NAME_SIZE, "%.*s", (int)mnl_attr_get_payload_len(attribute),
		 mnl_attr_get_str(attribute));
}

static int read_kind(const struct nlattr *attribute, void *context)
{
	struct link *link = context;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
		read_string(link->kind, attribute);
	return MNL_CB_OK;
}

static void read_stats(struct link *link, const struct nlattr *attribute)
{
	struct rtnl_link_stats64 stats;

	/* Newer kernels append fields; we use the first four. */
	if (mnl_attr_get_payload_len(attribute) < offsetof(struct rtnl_link_stats64, rx_errors))
		return;
	memcpy(&stats, mnl_attr_get_payload(attribute),
	       offsetof(struct rtnl_link_stats64, rx_errors));
	link->has_stats = true;
	link->rx_packets = stats.rx_packets;
	link->tx_packets = stats.tx_packets;
	link->rx_bytes = stats.rx_bytes;
	link->tx_bytes = stats.tx_bytes;
}

static int read_attribute(const struct nlattr *attribute, void *context)
{
	struct link *link = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME: read_string(link->name, attribute); break;
	case IFLA_LINKINFO:
		if (mnl_attr_validate(attribute, MNL_TYPE_NESTED) == 0)
			mnl_attr_parse_nested(attribute, read_kind, link);
		break;
	case IFLA_STATS64: read_stats(link, attribute); break;
	}
	return MNL_CB_OK;
}

int link_parse(const struct nlmsghdr *message, struct link *link, enum link_event *event)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info))
		return -EBADMSG;
	/*
	 * AF_BRIDGE messages mean that a port joined or left a bridge; the interface still exists.
	 */
	if (info->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (info->ifi_index <= 0)
		return -EBADMSG;
	*event = message->nlmsg_type == RTM_NEWLINK ? LINK_PRESENT : LINK_GONE;
	*link = (struct link){ .ifindex = (uint32_t)info->ifi_index,
			       .flags = info->ifi_flags,
			       .type = info->ifi_type,
			       .l2_header_length = l2_header_length(info->ifi_type),
			       .is_loopback = info->ifi_flags & IFF_LOOPBACK };
	if (mnl_attr_parse(message, sizeof(*info), read_attribute, link) < 0 || !link->name[0])
		return -EBADMSG;
	return 0;
}

static int handle_message(const struct nlmsghdr *message, void *context)
{
	struct link_handler *handler = context;
	enum link_event event;
	struct link link;

	if (link_parse(message, &link, &event) == 0) {
		handler->count++;
		handler->callback(&link, event, handler->context);
	}
	return MNL_CB_OK;
}

int links_open(struct links *links)
{
	_cleanup_close_ int events = netlink_open(NETLINK_ROUTE);
	_cleanup_close_ int requests = netlink_open(NETLINK_ROUTE);
	int group = RTNLGRP_LINK;

	*links = (struct links)LINKS_CLOSED;
	if (events < 0)
		return events;
	if (requests < 0)
		return requests;
	if (setsockopt(events, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
		return -errno;
	links->events_fd = TAKE_FD(events);
	links->requests_fd = TAKE_FD(requests);
	return 0;
}

int links_open_requests(struct links *links)
{
	*links = (struct links)LINKS_CLOSED;
	links->requests_fd = netlink_open(NETLINK_ROUTE);
	return links->requests_fd < 0 ? links->requests_fd : 0;
}

void links_close(struct links *links)
{
	close_descriptor(&links->events_fd);
	close_descriptor(&links->requests_fd);
}

int links_dump(struct links *links, link_callback *callback, void *context)
{
	struct link_handler handler = { .callback = callback, .context = context };
	int r = -EINTR;

	/* A change interrupts a dump: repeat it. Callers compare, so duplicates are harmless. */
	for (int i = 0; i < DUMP_ATTEMPTS && r == -EINTR; i++) {
		char buffer[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg)]
			__attribute__((aligned(NLMSG_ALIGNTO)));
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

		request->nlmsg_type = RTM_GETLINK;
		request->nlmsg_flags = NLM_F_DUMP;
		mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		r = netlink_ask(links->requests_fd, request, handle_message, &handler);
	}
	return r;
}

int links_read(struct links *links, link_callback *callback, void *context)
{
	char buffer[NETLINK_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct link_handler handler = { .callback = callback, .context = context };
	bool lost = false;

	for (int i = 0; i < READ_BATCH; i++) {
		ssize_t length = netlink_receive(links->events_fd, buffer, sizeof(buffer));

		if (length == -EAGAIN)
			break;
		if (length == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (length < 0)
			return (int)length;
		/* Other events and malformed messages end this datagram only. */
		netlink_run(buffer, (size_t)length, 0, handle_message, &handler);
	}
	return lost ? -ENOBUFS : handler.count;
}

struct query {
	struct link *link;
	bool found;
};

static int handle_answer(const struct nlmsghdr *message, void *context)
{
	struct query *query = context;
	enum link_event event;

	if (link_parse(message, query->link, &event) == 0 && event == LINK_PRESENT)
		query->found = true;
	return MNL_CB_OK;
}

int links_query(struct links *links, uint32_t ifindex, struct link *link)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg)]
		__attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct query query = { .link = link };
	struct ifinfomsg *info;
	int r;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_index = (int)ifindex;
	r = netlink_ask(links->requests_fd, request, handle_answer, &query);
	if (r)
		return r;
	return query.found ? 0 : -EBADMSG;
}

bool link_is_tunnel(const struct link *link, const struct config *config)
{
	return !link->is_loopback && fnmatch(config->interface, link->name, 0) == 0;
}
