// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "collector/discovery/links.h"

struct message {
	char bytes[2048] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct ifinfomsg *info;
};

static void start(struct message *message, uint16_t kind, uint16_t type)
{
	memset(message->bytes, 0, sizeof(message->bytes));
	message->header = mnl_nlmsg_put_header(message->bytes);
	message->header->nlmsg_type = kind;
	message->info = mnl_nlmsg_put_extra_header(message->header, sizeof(*message->info));
	message->info->ifi_index = 3;
	message->info->ifi_type = type;
	message->info->ifi_flags = IFF_UP;
}

static void wireguard(struct message *message)
{
	struct rtnl_link_stats64 stats = {
		.rx_packets = 1, .tx_packets = 2, .rx_bytes = 1ull << 40, .tx_bytes = 4
	};
	struct nlattr *nest;

	start(message, RTM_NEWLINK, ARPHRD_NONE);
	mnl_attr_put_strz(message->header, IFLA_IFNAME, "wg0");
	nest = mnl_attr_nest_start(message->header, IFLA_LINKINFO);
	mnl_attr_put_strz(message->header, IFLA_INFO_KIND, "wireguard");
	mnl_attr_nest_end(message->header, nest);
	mnl_attr_put(message->header, IFLA_STATS64, sizeof(stats), &stats);
}

Test(link_parse, reads_a_tunnel)
{
	struct message message;
	enum link_event event;
	struct link link;

	wireguard(&message);
	cr_assert_eq(link_parse(message.header, &link, &event), 0);
	cr_assert_eq(event, LINK_PRESENT);
	cr_assert_eq(link.ifindex, 3);
	cr_assert_str_eq(link.name, "wg0");
	cr_assert_str_eq(link.kind, "wireguard");
	cr_assert_eq(link.flags, (unsigned int)IFF_UP);
	cr_assert_eq(link.l2_header_length, 0);
	cr_assert(!link.is_loopback);
	cr_assert(link.has_stats);
	cr_assert(link.rx_packets == 1 && link.tx_packets == 2 && link.rx_bytes == 1ull << 40 &&
		  link.tx_bytes == 4);

	message.header->nlmsg_type = RTM_DELLINK;
	cr_assert_eq(link_parse(message.header, &link, &event), 0);
	cr_assert_eq(event, LINK_GONE);
}

Test(link_parse, knows_the_headers)
{
	static const struct {
		uint16_t type;
		int length;
	} cases[] = { { ARPHRD_ETHER, 14 }, { ARPHRD_LOOPBACK, 14 },  { ARPHRD_NONE, 0 },
		      { ARPHRD_TUNNEL, 0 }, { ARPHRD_SIT, 0 },	      { ARPHRD_IPGRE, 0 },
		      { ARPHRD_PPP, 0 },    { ARPHRD_IEEE80211, -1 }, { ARPHRD_INFINIBAND, -1 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message message;
		enum link_event event;
		struct link link;

		start(&message, RTM_NEWLINK, cases[i].type);
		mnl_attr_put_strz(message.header, IFLA_IFNAME, "x");
		cr_assert_eq(link_parse(message.header, &link, &event), 0);
		cr_assert_eq(link.l2_header_length, cases[i].length, "type %u", cases[i].type);
	}
}

/* A port that leaves a bridge causes RTM_DELLINK of AF_BRIDGE: the interface still exists. */
Test(link_parse, bridge_ports_are_not_interfaces)
{
	struct message message;
	enum link_event event;
	struct link link;

	wireguard(&message);
	message.header->nlmsg_type = RTM_DELLINK;
	message.info->ifi_family = AF_BRIDGE;
	cr_assert_eq(link_parse(message.header, &link, &event), -ENOMSG);
}

Test(link_parse, other_messages)
{
	struct message message;
	enum link_event event;
	struct link link;

	wireguard(&message);
	message.header->nlmsg_type = RTM_NEWADDR;
	cr_assert_eq(link_parse(message.header, &link, &event), -ENOMSG);
	start(&message, RTM_NEWLINK, ARPHRD_NONE);
	cr_assert_eq(link_parse(message.header, &link, &event), -EBADMSG, "no name");
	wireguard(&message);
	message.info->ifi_index = 0;
	cr_assert_eq(link_parse(message.header, &link, &event), -EBADMSG, "no index");
}

Test(link_parse, strings_and_stats_that_do_not_fit)
{
	static const char endless[40] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
	struct message message;
	enum link_event event;
	struct link link;

	start(&message, RTM_NEWLINK, ARPHRD_NONE);
	mnl_attr_put(message.header, IFLA_IFNAME, 39, endless);
	mnl_attr_put(message.header, IFLA_STATS64, 31, endless);
	mnl_attr_put(message.header, IFLA_LINKINFO, 2, endless);
	cr_assert_eq(link_parse(message.header, &link, &event), 0);
	cr_assert_eq(strlen(link.name), LINK_NAME_SIZE - 1);
	cr_assert(!link.has_stats && link.rx_bytes == 0);
	cr_assert_str_eq(link.kind, "");

	start(&message, RTM_NEWLINK, ARPHRD_NONE);
	mnl_attr_put(message.header, IFLA_IFNAME, 0, endless);
	cr_assert_eq(link_parse(message.header, &link, &event), -EBADMSG, "an empty name");
}

/*
 * Each length that a message can be cut to, each attribute length that lies: no crash (ASan
 * watches), never a name that is not there.
 */
Test(link_parse, cut_and_lying)
{
	struct message whole;
	uint32_t length;

	wireguard(&whole);
	length = whole.header->nlmsg_len;
	for (uint32_t cut = MNL_NLMSG_HDRLEN; cut <= length; cut++) {
		/* libmnl reads up to the alignment, and so do buffers reach. */
		char *copy = calloc(1, MNL_ALIGN(cut));
		enum link_event event;
		struct link link;
		int err;

		memcpy(copy, whole.bytes, cut);
		((struct nlmsghdr *)copy)->nlmsg_len = cut;
		err = link_parse((struct nlmsghdr *)copy, &link, &event);
		cr_assert(err == 0 || err == -EBADMSG, "cut to %u: %d", cut, err);
		cr_assert(
			err || (link.name[0] && strncmp(link.name, "wg0", strlen(link.name)) == 0),
			"cut to %u", cut);
		free(copy);
	}
	for (uint32_t at = MNL_NLMSG_HDRLEN; at < length; at++) {
		for (int value = 0; value < 256; value += 17) {
			char *copy = malloc(length);
			enum link_event event;
			struct link link;

			memcpy(copy, whole.bytes, length);
			copy[at] = (char)value;
			if (link_parse((struct nlmsghdr *)copy, &link, &event) == 0)
				cr_assert(memchr(link.name, 0, sizeof(link.name)) &&
					  memchr(link.kind, 0, sizeof(link.kind)));
			free(copy);
		}
	}
}

Test(link_is_tunnel, glob)
{
	struct config config = { .interface = "wg*" };
	struct link wg = { .name = "wg0" }, eth = { .name = "eth0" },
		    lo = { .name = "lo", .is_loopback = true };

	cr_assert(link_is_tunnel(&wg, &config));
	cr_assert(!link_is_tunnel(&eth, &config));
	snprintf(config.interface, sizeof(config.interface), "wg0");
	cr_assert(link_is_tunnel(&wg, &config));
	snprintf(config.interface, sizeof(config.interface), "*");
	cr_assert(link_is_tunnel(&eth, &config));
	cr_assert(!link_is_tunnel(&lo, &config), "lo is never a tunnel");
}
