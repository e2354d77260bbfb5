// SPDX-License-Identifier: Apache-2.0
/* Real interfaces in a private namespace, created by ip(8). */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include "collector/discovery/links.h"
#include "namespace.h"

#define SEEN_MAX 32

struct seen {
	struct link link[SEEN_MAX];
	enum link_event event[SEEN_MAX];
	int count;
};

static void see(const struct link *link, enum link_event event, void *context)
{
	struct seen *seen = context;

	cr_assert_lt(seen->count, SEEN_MAX);
	seen->link[seen->count] = *link;
	seen->event[seen->count++] = event;
}

static const struct link *find(const struct seen *seen, const char *name, enum link_event event)
{
	for (int i = 0; i < seen->count; i++)
		if (seen->event[i] == event && strcmp(seen->link[i].name, name) == 0)
			return &seen->link[i];
	return NULL;
}

static void ip(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

/* The command has ended, so its events have arrived: netlink is synchronous. */
static struct seen read_all(struct links *links)
{
	struct seen seen = { .count = 0 };
	int count = links_read(links, see, &seen);

	cr_assert_eq(count, seen.count);
	return seen;
}

static struct links open_here(void)
{
	struct links links;

	cr_assert_eq(links_open(&links), 0);
	return links;
}

Test(links, dump_lists_all)
{
	struct seen seen = { .count = 0 };
	struct links links;

	enter_namespace();
	ip("ip link add v0 type veth peer name v1 && ip link set v0 up && ip tuntap add tun0 mode "
	   "tun");
	links = open_here();
	cr_assert_eq(links_dump(&links, see, &seen), 0);
	cr_assert_eq(seen.count, 4);
	cr_assert(find(&seen, "lo", LINK_PRESENT)->is_loopback);
	cr_assert_eq(find(&seen, "lo", LINK_PRESENT)->l2_header_length, 14);
	cr_assert_str_eq(find(&seen, "v0", LINK_PRESENT)->kind, "veth");
	cr_assert_eq(find(&seen, "v0", LINK_PRESENT)->ifindex, if_nametoindex("v0"));
	cr_assert(find(&seen, "v0", LINK_PRESENT)->flags & IFF_UP);
	cr_assert(!(find(&seen, "v1", LINK_PRESENT)->flags & IFF_UP));
	cr_assert_eq(find(&seen, "v0", LINK_PRESENT)->l2_header_length, 14);
	cr_assert_str_eq(find(&seen, "tun0", LINK_PRESENT)->kind, "tun");
	cr_assert_eq(find(&seen, "tun0", LINK_PRESENT)->l2_header_length, 0);
	links_close(&links);
}

Test(links, events_tell_what_comes_and_goes)
{
	struct links links;
	struct seen seen;
	uint32_t ifindex;

	enter_namespace();
	links = open_here();
	cr_assert_eq(links_read(&links, see, &seen), 0, "nothing is pending");
	ip("ip tuntap add wg0 mode tun");
	ifindex = if_nametoindex("wg0");
	seen = read_all(&links);
	cr_assert_eq(find(&seen, "wg0", LINK_PRESENT)->ifindex, ifindex);
	ip("ip link set wg0 name wg1");
	seen = read_all(&links);
	cr_assert_eq(find(&seen, "wg1", LINK_PRESENT)->ifindex, ifindex);
	ip("ip link del wg1");
	seen = read_all(&links);
	cr_assert_eq(find(&seen, "wg1", LINK_GONE)->ifindex, ifindex);
	links_close(&links);
}

Test(links, events_make_the_socket_readable)
{
	struct links links;
	struct pollfd ready;

	enter_namespace();
	links = open_here();
	ready = (struct pollfd){ .fd = links.events_fd, .events = POLLIN };
	cr_assert_eq(poll(&ready, 1, 0), 0);
	ip("ip tuntap add wg0 mode tun");
	cr_assert_eq(poll(&ready, 1, 1000), 1);
	read_all(&links);
	cr_assert_eq(poll(&ready, 1, 0), 0);
	links_close(&links);
}

/* One packet of 29 bytes (lo counts no L2 header), to a socket that takes it. */
static void send_one(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t length = sizeof(address);

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	cr_assert_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, length), 1);
	close(fd);
}

Test(links, query_has_fresh_counters)
{
	struct links links;
	struct link link;
	struct link before;

	enter_namespace();
	links = open_here();
	cr_assert_eq(links_query(&links, 1, &link), 0);
	cr_assert_str_eq(link.name, "lo");
	cr_assert(link.has_stats);
	before = link;
	send_one();
	cr_assert_eq(links_query(&links, 1, &link), 0);
	cr_assert(link.tx_packets == before.tx_packets + 1 &&
		  link.rx_packets == before.rx_packets + 1);
	cr_assert(link.tx_bytes == before.tx_bytes + 29 && link.rx_bytes == before.rx_bytes + 29);
	cr_assert_eq(links_query(&links, 999, &link), -ENODEV);
	cr_assert_eq(links_query(&links, 1, &link), 0, "after an error");
	links_close(&links);
}

/* A loss of events is reported, and a dump repairs it. */
Test(links, overrun_is_reported)
{
	struct seen seen = { .count = 0 };
	struct links links;
	int size = 1, err;

	enter_namespace();
	links = open_here();
	cr_assert_eq(setsockopt(links.events_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 10; i++)
		ip("ip tuntap add wg0 mode tun && ip link del wg0");
	ip("ip tuntap add wg0 mode tun");
	err = links_read(&links, see, &seen);
	cr_assert_eq(err, -ENOBUFS, "%d", err);
	cr_assert_eq(links_read(&links, see, &seen), 0, "told once");
	seen.count = 0;
	cr_assert_eq(links_dump(&links, see, &seen), 0);
	cr_assert(find(&seen, "wg0", LINK_PRESENT));
	links_close(&links);
}

/* Another process may send to the port; only messages of the kernel are accepted. */
Test(links, forged_messages_are_ignored)
{
	char bytes[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);
	struct sockaddr_nl target = { 0 };
	socklen_t length = sizeof(target);
	struct seen seen = { .count = 0 };
	struct ifinfomsg *info;
	struct links links;
	struct link link;
	int forger;

	enter_namespace();
	links = open_here();
	header->nlmsg_type = RTM_DELLINK;
	info = mnl_nlmsg_put_extra_header(header, sizeof(*info));
	info->ifi_index = 1;
	mnl_attr_put_strz(header, IFLA_IFNAME, "lo");
	forger = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	for (int i = 0; i < 2; i++) {
		int victim = i ? links.requests_fd : links.events_fd;

		cr_assert_eq(getsockname(victim, (struct sockaddr *)&target, &length), 0);
		cr_assert_eq(sendto(forger, bytes, header->nlmsg_len, 0, (struct sockaddr *)&target,
				    sizeof(target)),
			     (ssize_t)header->nlmsg_len);
	}
	cr_assert_eq(links_read(&links, see, &seen), 0, "a forged event was believed");
	cr_assert_eq(links_query(&links, 1, &link), 0, "a forged answer is in the way");
	ip("ip tuntap add wg0 mode tun");
	seen = read_all(&links);
	cr_assert(find(&seen, "wg0", LINK_PRESENT), "the real event after it");
	close(forger);
	links_close(&links);
}

Test(links, closed_is_closed)
{
	struct links links = LINKS_CLOSED;

	links_close(&links);
	links_close(&links);
	cr_assert(links.events_fd == -1 && links.requests_fd == -1);
}
