// SPDX-License-Identifier: Apache-2.0
/* The state of a tunnel through hours of a simulated WireGuard, second by second. */
#include "collector/wireguard/state.h"

#include <criterion/criterion.h>
#include <string.h>
#include "lib/time.h"

#define EPOCH 1700000000ULL
#define HOURS 2
#define EMPTY 32u
#define DATA 96u
#define INITIATION 148u
#define RESPONSE 92u

/* Section 6 of WireGuard's paper, in seconds; times are of the last event, 0: none. */
static struct {
	unsigned int keepalive, ours,
		theirs; /* seconds between keepalives, and between data of each side; 0: none */
	unsigned int now, born, died; /* time at which the peer vanishes; 0: never */
	bool initiator;		      /* we began the last handshake */
	unsigned int sent, tried, first_tried, received_data, delivered_data;
	struct wireguard_peer peer;
	struct wireguard_history history;
} w;

static bool alive(void)
{
	return !w.died || w.now < w.died;
}

static bool every(unsigned int seconds)
{
	return seconds && w.now % seconds == 0;
}

static void shaken(bool initiator)
{
	w.peer.transmit_bytes += initiator ? INITIATION : RESPONSE;
	w.peer.receive_bytes += initiator ? RESPONSE : INITIATION;
	w.peer.handshake_sec = EPOCH + w.now;
	w.born = w.sent = w.now;
	w.tried = w.first_tried = 0;
	w.initiator = initiator;
}

static void initiate(void)
{
	if (w.tried && w.now - w.tried < 5)
		return;
	w.first_tried = w.first_tried ?: w.now;
	w.tried = w.sent = w.now;
	if (alive())
		shaken(true);
	else
		w.peer.transmit_bytes += INITIATION;
}

static void emit(unsigned int bytes)
{
	unsigned int age = w.now - w.born;

	if (age > 180) {
		initiate();
		return;
	}
	w.peer.transmit_bytes += bytes;
	w.sent = w.now;
	if (bytes > EMPTY)
		w.delivered_data = w.delivered_data ?: w.now;
	if (w.initiator && age > 120)
		initiate();
	else if (!w.initiator && age > 165 && alive())
		shaken(false);
}

static void take(unsigned int bytes)
{
	unsigned int age = w.now - w.born;

	w.delivered_data = 0;
	if (age > 180 || (!w.initiator && age > 120))
		shaken(false);
	w.peer.receive_bytes += bytes;
	if (bytes > EMPTY)
		w.received_data = w.received_data ?: w.now;
	if (w.initiator && age > 165)
		initiate();
}

static enum tunnel_state second(void)
{
	struct wireguard_device device = { .peers = &w.peer, .count = 1 };
	uint64_t now_ns = w.now * NS_PER_S;

	if (alive() && every(w.theirs))
		take(DATA);
	if (alive() && w.delivered_data && w.now - w.delivered_data >= 10)
		take(EMPTY);
	if (every(w.ours))
		emit(DATA);
	if (w.sent > w.received_data)
		w.received_data = 0;
	if ((w.received_data && w.now - w.received_data >= 10) ||
	    (w.keepalive && w.now - w.sent >= w.keepalive))
		emit(EMPTY);
	/* What it sent is unanswered; or a handshake is, for at most 90 s. */
	if ((w.delivered_data && w.now - w.delivered_data >= 15 && !w.tried) ||
	    (w.tried && w.now - w.tried >= 5 && w.now - w.first_tried < 90))
		initiate();
	cr_assert_eq(wireguard_history_note(&w.history, &device, now_ns), 0);
	w.now++;
	return wireguard_device_state(&device, &w.history, now_ns, EPOCH + w.now - 1);
}

static void begin(bool initiator, unsigned int keepalive, unsigned int ours, unsigned int theirs)
{
	wireguard_history_free(&w.history);
	memset(&w, 0, sizeof(w));
	w.now = 1000;
	w.keepalive = w.peer.keepalive_sec = keepalive;
	w.ours = ours;
	w.theirs = theirs;
	shaken(initiator);
}

static const unsigned int paces[] = { 0, 1, 7, 33, 100, 131, 170, 179, 181, 400, 1000 };
static const unsigned int keepalives[] = { 0, 1, 10, 25, 45, 60, 100, 170, 600 };
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Any traffic of both sides: either side renews, just before, at or after each limit. */
Test(rekey, a_tunnel_that_works_is_never_stale)
{
	for (unsigned int i = 0; i < 2 * COUNT(paces) * COUNT(paces) * COUNT(keepalives); i++) {
		unsigned int ours = paces[i / 2 % COUNT(paces)],
			     theirs = paces[i / 2 / COUNT(paces) % COUNT(paces)];
		unsigned int keepalive = keepalives[i / 2 / COUNT(paces) / COUNT(paces)];

		begin(i % 2, keepalive, ours, theirs);
		while (w.now < HOURS * 3600) {
			enum tunnel_state state = second();

			cr_assert_neq(state, TUNNEL_STALE,
				      "%s, keepalive %u, data each %u and %u s: stale at %u, %u s "
				      "after a handshake",
				      i % 2 ? "initiator" : "responder", keepalive, ours, theirs,
				      w.now - 1, w.now - 1 - w.born);
		}
	}
}

/* A dead tunnel becomes stale in time, and stays stale while it is used. */
Test(rekey, a_tunnel_that_died_is_stale_and_remains_so)
{
	for (unsigned int i = 0; i < 2 * COUNT(paces) * COUNT(keepalives); i++) {
		unsigned int ours = paces[i / 2 % COUNT(paces)];
		unsigned int keepalive = keepalives[i / 2 / COUNT(paces)];
		unsigned int pace = ours && (!keepalive || ours < keepalive) ? ours : keepalive;
		unsigned int limit;

		if (!pace || pace > 60)
			continue;
		begin(i % 2, keepalive, ours, 0);
		w.died = 3000 + i; /* at any point of the cycle */
		limit = w.died + 180 + pace + 15 + 2;
		while (w.now < w.died + 3600) {
			enum tunnel_state state = second();

			if (w.now > limit)
				cr_assert_eq(state, TUNNEL_STALE,
					     "keepalive %u, data each %u s: at %u, died at %u",
					     keepalive, ours, w.now - 1, w.died);
		}
	}
}

/*
 * Idle for long, then used: the handshake is under way for some seconds, with a first attempt that
 * is lost.
 */
Test(rekey, an_idle_tunnel_that_is_used_again)
{
	enum tunnel_state state;

	begin(true, 0, 0, 0);
	while (w.now < 3 * 3600)
		cr_assert_neq(second(), TUNNEL_STALE);
	cr_expect_eq(second(), TUNNEL_IDLE);
	w.died = w.now; /* two attempts are lost */
	w.ours = 1;
	for (int i = 0; i < 10; i++)
		cr_assert_eq(second(), TUNNEL_IDLE, "attempt under way for %d s", i);
	w.died = 0;
	while ((state = second()) == TUNNEL_IDLE)
		cr_assert(w.tried);
	cr_assert_eq(state, TUNNEL_UP);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(second(), TUNNEL_UP);
}
