// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/state.h"

#include <criterion/criterion.h>
#include <string.h>
#include "lib/time.h"

#define NOW_SEC 1700000000ULL

static struct wireguard_peer peers[4];
static struct wireguard_device device = { .peers = peers, .count = 1 };
static struct wireguard_history history;
static uint64_t now; /* seconds of CLOCK_MONOTONIC */

static void set_up(void)
{
	now = 1000;
	for (unsigned int i = 0; i < 4; i++)
		peers[i] = (struct wireguard_peer){ .public_key = { i + 1 } };
}

static void forget(void)
{
	wireguard_history_free(&history);
}

TestSuite(state, .init = set_up, .fini = forget);

static enum tunnel_state judge(void)
{
	return wireguard_device_state(&device, &history, now * NS_PER_S, NOW_SEC + now - 1000);
}

/* A second later, having sent and received this. */
static enum tunnel_state after(uint64_t sent, uint64_t received)
{
	now++;
	peers[0].transmit_bytes += sent;
	peers[0].receive_bytes += received;
	cr_assert_eq(wireguard_history_note(&history, &device, now * NS_PER_S), 0);
	return judge();
}

/* After this many seconds of readings; the last state. */
static enum tunnel_state after_seconds(unsigned int seconds)
{
	enum tunnel_state state = TUNNEL_STATE_MAX;

	while (seconds--)
		state = after(0, 0);
	return state;
}

static void shaken(uint64_t age)
{
	peers[0].handshake_sec = NOW_SEC + now - 1000 - age;
}

Test(state, no_peer)
{
	device.count = 0;
	cr_expect_eq(after(0, 0), TUNNEL_NO_PEER);
}

Test(state, never_until_the_first_handshake)
{
	cr_expect_eq(after(0, 0), TUNNEL_NEVER);
	cr_expect_eq(after_seconds(10000), TUNNEL_NEVER);
	cr_expect_eq(after(148, 0), TUNNEL_NEVER);
	shaken(0);
	cr_expect_eq(after(0, 92), TUNNEL_UP);
}

Test(state, a_first_handshake_in_vain)
{
	after(0, 0);
	cr_expect_eq(after(148, 0), TUNNEL_NEVER);
	cr_expect_eq(after_seconds(14), TUNNEL_NEVER);
	cr_expect_eq(after_seconds(1), TUNNEL_STALE);
	cr_expect_eq(after(148, 0), TUNNEL_STALE);
	cr_expect_eq(after_seconds(180), TUNNEL_STALE);
	cr_expect_eq(after_seconds(1), TUNNEL_NEVER,
		     "nothing was sent any more: it may be tried again");
	cr_expect_eq(after(148, 0), TUNNEL_NEVER);
	cr_expect_eq(after_seconds(15), TUNNEL_STALE);
	shaken(0);
	cr_expect_eq(after(0, 92), TUNNEL_UP);
}

Test(state, a_first_handshake_in_vain_before_we_came)
{
	cr_expect_eq(after(148, 0), TUNNEL_NEVER);
	cr_expect_eq(after_seconds(15), TUNNEL_STALE);
}

Test(state, up_then_idle_without_keepalive)
{
	after(0, 0);
	shaken(180);
	cr_expect_eq(judge(), TUNNEL_UP);
	shaken(181);
	cr_expect_eq(judge(), TUNNEL_IDLE);
	shaken(1000000);
	cr_expect_eq(judge(), TUNNEL_IDLE);
}

Test(state, stale_by_keepalive)
{
	after(0, 0);
	peers[0].keepalive_sec = 25;
	shaken(180);
	cr_expect_eq(judge(), TUNNEL_UP);
	shaken(181);
	cr_expect_eq(judge(), TUNNEL_STALE);
	peers[0].keepalive_sec = 600; /* renewed with the keepalive after the 120th second */
	shaken(735);
	cr_expect_eq(judge(), TUNNEL_IDLE);
	shaken(736);
	cr_expect_eq(judge(), TUNNEL_STALE);
}

Test(state, stale_by_unanswered_traffic)
{
	after(5000, 5000);
	shaken(10);
	cr_expect_eq(after(96, 0), TUNNEL_UP);
	for (int i = 0; i < 14; i++)
		cr_expect_eq(after(96, 0), TUNNEL_UP, "after %d s", i + 1);
	cr_expect_eq(after(96, 0), TUNNEL_STALE);
	cr_expect_eq(after(0, 32), TUNNEL_UP, "an empty message is an answer");
	cr_expect_eq(after_seconds(100), TUNNEL_UP, "nothing is open");
}

Test(state, idle_and_then_traffic_in_vain)
{
	shaken(10000);
	cr_expect_eq(after(5000, 5000), TUNNEL_IDLE);
	cr_expect_eq(after(148, 0), TUNNEL_IDLE);
	cr_expect_eq(after_seconds(15), TUNNEL_STALE);
	cr_expect_eq(after_seconds(200), TUNNEL_IDLE);
}

Test(state, an_answer_in_the_same_second)
{
	after(5000, 5000);
	shaken(10);
	cr_expect_eq(after(148, 92), TUNNEL_UP);
	cr_expect_eq(after_seconds(60), TUNNEL_UP);
}

Test(state, keepalives_are_not_answered)
{
	peers[0].keepalive_sec = 25;
	after(5000, 5000);
	for (int i = 0; i < 1000; i++) {
		shaken(100);
		cr_assert_eq(after(i % 25 ? 0 : 32, 0), TUNNEL_UP, "after %d s", i);
	}
	peers[0].keepalive_sec = 1;
	for (int i = 0; i < 100; i++) {
		shaken(100);
		cr_assert_eq(after(i % 10 ? 32 : 64, 0), TUNNEL_UP, "each second, after %d s", i);
	}
	/* After a minute without a reading as many as may have been sent. */
	now += 59;
	shaken(100);
	cr_expect_eq(after(61 * 32ULL, 0), TUNNEL_UP);
	now += 15;
	cr_expect_eq(judge(), TUNNEL_UP);
}

Test(state, more_than_keepalives)
{
	peers[0].keepalive_sec = 25;
	after(5000, 5000);
	shaken(0);
	after(96, 0); /* a SYN: 60 bytes, padded to 64, and 32 of WireGuard's */
	cr_expect_eq(after_seconds(15), TUNNEL_STALE);
}

Test(state, counters_that_begin_again)
{
	after(5000, 5000);
	shaken(10);
	after(148, 0);
	peers[0].transmit_bytes = peers[0].receive_bytes = 0;
	cr_expect_eq(after_seconds(30), TUNNEL_UP);
}

Test(state, a_handshake_of_tomorrow)
{
	after(0, 0);
	peers[0].handshake_sec = NOW_SEC + 86400; /* the clock was set back */
	cr_expect_eq(judge(), TUNNEL_UP);
}

Test(state, the_default_routes_owner_decides)
{
	device.count = 3;
	peers[0].keepalive_sec = 25;
	peers[0].handshake_sec = NOW_SEC - 10000; /* stale */
	peers[1].handshake_sec = NOW_SEC;	  /* up */
	after(0, 0);
	cr_expect_eq(judge(), TUNNEL_STALE, "the worst: one is up, one never");
	peers[1].default_route = true;
	cr_expect_eq(judge(), TUNNEL_UP);
	peers[2].default_route = true;
	cr_expect_eq(judge(), TUNNEL_NEVER, "of two owners the worse");
	peers[1].default_route = peers[2].default_route = false;
	peers[0].keepalive_sec = 0;
	cr_expect_eq(judge(), TUNNEL_NEVER);
	device.count = 2;
	after(0, 0);
	cr_expect_eq(judge(), TUNNEL_IDLE);
	peers[0].default_route = true;
	cr_expect_eq(judge(), TUNNEL_IDLE);
}

Test(state, peers_that_come_and_go_keep_their_own_past)
{
	struct wireguard_peer open = { .public_key = { 2 },
				       .transmit_bytes = 1000,
				       .receive_bytes = 1000,
				       .handshake_sec = NOW_SEC };

	peers[0] = open;
	after(0, 0);
	after(148, 0); /* key 2 waits for an answer */
	peers[1] = peers[0];
	peers[0] = (struct wireguard_peer){ .public_key = { 1 }, .handshake_sec = NOW_SEC };
	device.count = 2;
	after_seconds(10); /* a peer before it */
	cr_expect_eq(history.count, 2);
	peers[0] = peers[1];
	device.count = 1;
	cr_expect_eq(after_seconds(4), TUNNEL_UP);
	cr_expect_eq(after_seconds(1), TUNNEL_STALE);
	device.count = 0;
	after(0, 0);
	device.count = 1;
	cr_expect_eq(after(0, 0), TUNNEL_UP, "forgotten with the peer");
}

Test(state, reset_forgets)
{
	after(5000, 5000);
	shaken(10);
	after(148, 0);
	wireguard_history_reset(&history);
	cr_expect_eq(after_seconds(30), TUNNEL_UP);
}
