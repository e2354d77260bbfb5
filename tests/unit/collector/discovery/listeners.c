// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "collector/discovery/listeners.h"
#include "namespace.h"

struct answer {
	char bytes[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct inet_diag_msg *socket;
};

static void listening(struct answer *answer)
{
	memset(answer->bytes, 0, sizeof(answer->bytes));
	answer->header = mnl_nlmsg_put_header(answer->bytes);
	answer->header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	answer->socket = mnl_nlmsg_put_extra_header(answer->header, sizeof(*answer->socket));
	answer->socket->idiag_family = AF_INET6;
	answer->socket->idiag_state = TCP_LISTEN;
	answer->socket->id.idiag_sport = htons(1080);
	answer->socket->id.idiag_if = 5;
	answer->socket->id.idiag_cookie[0] = 2;
	answer->socket->id.idiag_cookie[1] = 1;
	answer->socket->idiag_inode = 4242;
	answer->socket->idiag_uid = 13;
}

Test(listener_parse, reads_a_listener)
{
	struct listener listener;
	struct answer answer;

	listening(&answer);
	cr_assert_eq(listener_parse(answer.header, &listener), 0);
	cr_assert(listener.port == 1080 && listener.family == AF_INET6 && listener.ifindex == 5);
	cr_assert(listener.inode == 4242 && listener.uid == 13 &&
		  listener.cookie == 0x100000002ull);
}

Test(listener_parse, refuses_the_rest)
{
	struct listener listener;
	struct answer answer;

	listening(&answer);
	answer.header->nlmsg_type = 99;
	cr_assert_eq(listener_parse(answer.header, &listener), -ENOMSG);
	listening(&answer);
	answer.socket->idiag_state = TCP_ESTABLISHED;
	cr_assert_eq(listener_parse(answer.header, &listener), -ENOMSG);
	listening(&answer);
	answer.socket->idiag_family = AF_UNIX;
	cr_assert_eq(listener_parse(answer.header, &listener), -ENOMSG);
	for (uint32_t cut = MNL_NLMSG_HDRLEN; cut < MNL_NLMSG_HDRLEN + sizeof(struct inet_diag_msg);
	     cut++) {
		char *copy = malloc(cut);

		listening(&answer);
		answer.header->nlmsg_len = cut;
		memcpy(copy, answer.bytes, cut);
		cr_assert_eq(listener_parse((struct nlmsghdr *)copy, &listener), -EBADMSG,
			     "cut to %u", cut);
		free(copy);
	}
}

static int listen_on(int family, uint16_t port, const char *device)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, SOCK_STREAM, 0), one = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (device)
		cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
					(socklen_t)strlen(device)),
			     0);
	cr_assert_eq(bind(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			  family == AF_INET ? sizeof(v4) : sizeof(v6)),
		     0, "%s", strerror(errno));
	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

struct seen {
	struct listener listener[8];
	int count;
};

static int see(const struct listener *listener, void *context)
{
	struct seen *seen = context;

	cr_assert_lt(seen->count, 8);
	seen->listener[seen->count++] = *listener;
	return 0;
}

static int stop_at_once(const struct listener *listener, void *context)
{
	++*(int *)context;
	return listener->port;
}

Test(listeners, finds_both_families)
{
	struct seen seen = { .count = 0 };
	struct stat status;
	int v4, count = 0;

	enter_namespace();
	v4 = listen_on(AF_INET, 1080, "lo");
	listen_on(AF_INET6, 1081, NULL);
	cr_assert_eq(listeners_each(see, &seen), 0);
	cr_assert_eq(seen.count, 2);
	cr_assert(seen.listener[0].port == 1080 && seen.listener[0].family == AF_INET &&
		  seen.listener[0].ifindex == 1);
	cr_assert(seen.listener[1].port == 1081 && seen.listener[1].family == AF_INET6 &&
		  seen.listener[1].ifindex == 0);
	cr_assert_eq(fstat(v4, &status), 0);
	cr_assert_eq(seen.listener[0].inode, status.st_ino);
	listen_on(AF_INET, 1082, NULL);
	cr_assert_neq(listeners_each(stop_at_once, &count), 0);
	cr_assert_eq(count, 1);
}

Test(listeners, other_states_and_namespaces_do_not_count)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1080) };
	uint16_t ports[] = { 1080 };
	int server, client;

	enter_namespace();
	server = listen_on(AF_INET, 1080, NULL);
	client = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listeners_present(ports, 1), 1);
	cr_assert_geq(accept(server, NULL, NULL), 0);
	close(server);
	cr_assert_eq(listeners_present(ports, 1), 0, "a connection is no listener");
	server = listen_on(AF_INET6, 1080, NULL);
	cr_assert_eq(listeners_present(ports, 1), 1);
	enter_namespace();
	cr_assert_eq(listeners_present(ports, 1), 0, "of another namespace");
	close(server);
}

Test(listeners, mask_has_the_order_of_the_ports)
{
	uint16_t ports[32] = { 1080, 1, 9999, 1080 };

	enter_namespace();
	listen_on(AF_INET, 1080, NULL);
	listen_on(AF_INET6, 9999, NULL);
	cr_assert_eq(listeners_present(ports, 4), 0xd);
	cr_assert_eq(listeners_present(ports, 2), 0x1);
	cr_assert_eq(listeners_present(ports, 0), 0);
	cr_assert_eq(listeners_present(ports, 32), -EINVAL);
	for (int i = 0; i < 31; i++)
		ports[i] = 1080;
	cr_assert_eq(listeners_present(ports, 31), 0x7fffffff);
}

/* Runs at every snapshot. The bound is ten times what it takes here (0.03 ms). */
Test(listeners, cheap)
{
	uint16_t ports[] = { 1080 };
	double best = 1e9;

	enter_namespace();
	listen_on(AF_INET, 1080, NULL);
	for (int i = 0; i < 50; i++) {
		struct timespec start, end;
		double ms;

		clock_gettime(CLOCK_MONOTONIC, &start);
		cr_assert_eq(listeners_present(ports, 1), 1);
		clock_gettime(CLOCK_MONOTONIC, &end);
		ms = (double)(end.tv_sec - start.tv_sec) * 1e3 +
		     (double)(end.tv_nsec - start.tv_nsec) / 1e6;
		best = ms < best ? ms : best;
	}
	cr_log_info("listeners_present: %.3f ms", best);
	cr_assert_lt(best, 0.3, "%.3f ms", best);
}

Test(listeners, are_alone_until_a_client_connects)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1080) };
	int client;

	enter_namespace();
	cr_assert(listeners_alone());
	listen_on(AF_INET, 1080, NULL);
	listen_on(AF_INET6, 1081, NULL);
	cr_assert(listeners_alone());
	client = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert(listeners_alone(), "one that is not connected");
	cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert(!listeners_alone());
}
