// SPDX-License-Identifier: Apache-2.0
#include "web/connections.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/time.h"

static struct connections all;

/* A connection whose other end is `peer`. */
static struct connection *connect_at(uint64_t now_ns, int *peer)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*peer = fds[1];
	return connections_add(&all, fds[0], now_ns);
}

static bool is_shut(int peer)
{
	char byte;

	return recv(peer, &byte, 1, 0) == 0;
}

static void init(void)
{
	connections_init(&all, 3);
}

TestSuite(connections, .init = init);

Test(connections, a_request_has_an_absolute_deadline)
{
	int early, late;

	connect_at(1 * NS_PER_S, &early);
	connect_at(5 * NS_PER_S, &late);
	cr_expect_eq(connections_due(&all), 11 * NS_PER_S);
	cr_expect_eq(connections_expire(&all, 11 * NS_PER_S - 1), 0);
	cr_expect_not(is_shut(early));
	cr_expect_eq(connections_expire(&all, 11 * NS_PER_S), 1);
	cr_expect(is_shut(early));
	cr_expect_not(is_shut(late));
	cr_expect_eq(connections_due(&all), 15 * NS_PER_S);
}

Test(connections, work_has_none)
{
	struct connection *one;
	int peer;

	one = connect_at(1 * NS_PER_S, &peer);
	connections_enter(&all, one, CONNECTION_WORKING, 2 * NS_PER_S);
	cr_expect_eq(connections_due(&all), UINT64_MAX);
	cr_expect_eq(connections_expire(&all, 10000 * NS_PER_S), 0);
	connections_enter(&all, one, CONNECTION_SENDING, 10000 * NS_PER_S);
	cr_expect_eq(connections_due(&all), 10030 * NS_PER_S,
		     "who does not read the answer is ended too");
	connections_enter(&all, one, CONNECTION_IDLE, 10001 * NS_PER_S);
	cr_expect_eq(connections_due(&all), 10151 * NS_PER_S);
	cr_expect_eq(connections_expire(&all, 10151 * NS_PER_S), 1);
	cr_expect(is_shut(peer));
}

Test(connections, the_oldest_without_work_goes_first)
{
	int busy, idle, fresh, last;
	struct connection *one, *two;

	one = connect_at(1 * NS_PER_S, &busy);
	connections_enter(&all, one, CONNECTION_WORKING, 1 * NS_PER_S);
	two = connect_at(2 * NS_PER_S, &idle);
	connections_enter(&all, two, CONNECTION_IDLE, 3 * NS_PER_S);
	cr_expect_not(connections_full(&all));
	connect_at(4 * NS_PER_S, &fresh);
	cr_expect(connections_full(&all));
	cr_expect(connections_evict(&all, 5 * NS_PER_S));
	cr_expect(is_shut(idle));
	cr_expect_not(connections_full(&all), "one that is closing does not count");
	connect_at(5 * NS_PER_S, &last);
	cr_expect(connections_evict(&all, 5 * NS_PER_S));
	cr_expect(is_shut(fresh));
	cr_expect(connections_evict(&all, 5 * NS_PER_S));
	cr_expect_not(connections_evict(&all, 5 * NS_PER_S), "who works is not interrupted");
	cr_expect_not(is_shut(busy));
}

Test(connections, idle_ones_are_shut_together)
{
	int peers[4];
	struct connection *each[4];

	for (int i = 0; i < 4; i++) {
		all.max = 4;
		each[i] = connect_at(1 * NS_PER_S, &peers[i]);
	}
	connections_enter(&all, each[0], CONNECTION_WORKING, 1 * NS_PER_S);
	connections_enter(&all, each[1], CONNECTION_IDLE, 1 * NS_PER_S);
	connections_enter(&all, each[2], CONNECTION_IDLE, 1 * NS_PER_S);
	cr_expect(each[0]->asked);
	cr_expect_not(each[3]->asked);
	connections_shut_idle(&all, 2 * NS_PER_S);
	cr_expect_not(is_shut(peers[0]));
	cr_expect(is_shut(peers[1]));
	cr_expect(is_shut(peers[2]));
	cr_expect_not(is_shut(peers[3]), "a handshake goes on");
	cr_expect_eq(all.count, 2);
}

Test(connections, a_closing_one_stays_so)
{
	struct connection *one;
	int peer;

	one = connect_at(1 * NS_PER_S, &peer);
	cr_assert(connections_evict(&all, 1 * NS_PER_S));
	connections_enter(&all, one, CONNECTION_SENDING, 1 * NS_PER_S);
	cr_expect_eq(one->state, CONNECTION_CLOSING);
	cr_expect_eq(all.count, 0);
	connections_remove(&all, one);
	cr_expect_eq(all.count, 0);
	one = connect_at(1 * NS_PER_S, &peer);
	connections_remove(&all, one);
	cr_expect_eq(all.count, 0);
	cr_expect_eq(connections_due(&all), UINT64_MAX);
}
