// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "collector/discovery/netlink.h"
#include "lib/cleanup.h"

#define PORTS_IN_MASK 31

struct listener_walk {
	listener_callback *callback;
	void *context;
	int stopped;
};

int listener_parse(const struct nlmsghdr *message, struct listener *listener)
{
	const struct inet_diag_msg *answer = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*answer))
		return -EBADMSG;
	if (answer->idiag_state != TCP_LISTEN ||
	    (answer->idiag_family != AF_INET && answer->idiag_family != AF_INET6))
		return -ENOMSG;
	*listener = (struct listener){
		.cookie = (uint64_t)answer->id.idiag_cookie[1] << 32 | answer->id.idiag_cookie[0],
		.inode = answer->idiag_inode,
		.ifindex = answer->id.idiag_if,
		.uid = answer->idiag_uid,
		.port = ntohs(answer->id.idiag_sport),
		.family = answer->idiag_family,
	};
	return 0;
}

static int handle_message(const struct nlmsghdr *message, void *context)
{
	struct listener_walk *walk = context;
	struct listener listener;

	if (listener_parse(message, &listener) != 0)
		return MNL_CB_OK;
	walk->stopped = walk->callback(&listener, walk->context);
	return walk->stopped ? MNL_CB_STOP : MNL_CB_OK;
}

static int ask_family(int fd, uint8_t family, struct listener_walk *walk)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct inet_diag_req_v2)]
		__attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *filter;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_DUMP;
	filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	filter->sdiag_family = family;
	filter->sdiag_protocol = IPPROTO_TCP;
	filter->idiag_states = 1u << TCP_LISTEN;
	return netlink_ask(fd, request, handle_message, walk);
}

int listeners_each(listener_callback *callback, void *context)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct listener_walk walk = { .callback = callback, .context = context };
	_cleanup_close_ int fd = netlink_open(NETLINK_SOCK_DIAG);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < sizeof(families) && !walk.stopped; i++) {
		int r = ask_family(fd, families[i], &walk);

		/* A kernel without IPv6, or without diagnostics for it, answers ENOENT. */
		if (r && !(r == -ENOENT && families[i] == AF_INET6))
			return r;
	}
	return walk.stopped;
}

struct listener_search {
	const uint16_t *ports;
	size_t count;
	int found;
};

static int match_port(const struct listener *listener, void *context)
{
	struct listener_search *search = context;

	for (size_t i = 0; i < search->count; i++)
		if (search->ports[i] == listener->port)
			search->found |= 1 << i;
	return search->found == (int)((1u << search->count) - 1);
}

int listeners_present(const uint16_t *ports, size_t count)
{
	struct listener_search search = { .ports = ports, .count = count };
	int r;

	if (count > PORTS_IN_MASK)
		return -EINVAL;
	if (count == 0)
		return 0;
	r = listeners_each(match_port, &search);
	return r < 0 ? r : search.found;
}

static int count_one(const struct listener *listener, void *context)
{
	++*(unsigned int *)context;
	return 0;
}

/*
 * Returns the sockets in all states except TIME_WAIT and states before the handshake is complete;
 * -1: not known.
 */
static long count_used(const char *path, const char *format)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[128];
	long n;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, format, &n) == 1)
			return n;
	}
	return -1;
}

bool listeners_alone(void)
{
	long used = count_used("/proc/thread-self/net/sockstat", "TCP: inuse %ld");
	long used6 =
		count_used("/proc/thread-self/net/sockstat6", "TCP6: inuse %ld"); /* -1: no IPv6 */
	unsigned int listeners = 0;

	return used >= 0 && !listeners_each(count_one, &listeners) &&
	       used + (used6 > 0 ? used6 : 0) == (long)listeners;
}
