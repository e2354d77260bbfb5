// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/time.h"

/* Timers of the protocol (WireGuard paper, section 6.1), in seconds. */
#define REKEY_AFTER 120
#define REJECT_AFTER 180
#define PASSIVE_KEEPALIVE 10
#define REKEY_TIMEOUT 5

/*
 * A peer that receives data answers within PASSIVE_KEEPALIVE, at least with an empty message.
 * REKEY_TIMEOUT later WireGuard itself assumes that the session is lost.
 */
#define ANSWER_NS ((PASSIVE_KEEPALIVE + REKEY_TIMEOUT) * NS_PER_S)

/*
 * WireGuard stops after 90 s of attempts. If nothing was sent for twice that time, older attempts
 * no longer count. Otherwise the tunnel would stay stale, not ready and unused, and never get the
 * handshake that ends this.
 */
#define FORGET_NS (180 * NS_PER_S)

#define EMPTY_MESSAGE 32 /* bytes of a keepalive, which gets no answer */

/*
 * Returns whether the bytes sent between two readings need an answer. They do if they are data or a
 * handshake initiation, and not only due keepalives.
 */
static bool needs_answer(uint64_t sent, uint64_t elapsed_ns, uint16_t keepalive_sec)
{
	uint64_t seconds = elapsed_ns / NS_PER_S + 1;
	uint64_t due = 1 + seconds / PASSIVE_KEEPALIVE;

	if (keepalive_sec)
		due += 1 + seconds / keepalive_sec;
	return sent && (sent % EMPTY_MESSAGE || sent / EMPTY_MESSAGE > due);
}

static bool had_handshake(const struct wireguard_peer *peer)
{
	return peer->handshake_sec || peer->handshake_nsec;
}

static struct wireguard_memory memory_make(const struct wireguard_peer *peer,
					   const struct wireguard_memory *former, uint64_t now_ns,
					   uint64_t elapsed_ns)
{
	struct wireguard_memory memory = { .receive_bytes = peer->receive_bytes,
					   .transmit_bytes = peer->transmit_bytes };

	memcpy(memory.public_key, peer->public_key, WIREGUARD_KEY_SIZE);
	if (!former || peer->transmit_bytes < former->transmit_bytes ||
	    peer->receive_bytes < former->receive_bytes) {
		/* First reading. We know about the past only if a first handshake had no answer. */
		if (peer->transmit_bytes && !peer->receive_bytes && !had_handshake(peer))
			memory.asked_ns = memory.last_asked_ns = now_ns;
		return memory;
	}
	memory.sent_ns = peer->transmit_bytes != former->transmit_bytes ? now_ns : former->sent_ns;
	/* It may answer earlier data; then the later data is sent again */
	if (peer->receive_bytes != former->receive_bytes)
		return memory;
	memory.asked_ns = former->asked_ns;
	memory.last_asked_ns = former->last_asked_ns;
	if (needs_answer(peer->transmit_bytes - former->transmit_bytes, elapsed_ns,
			 peer->keepalive_sec)) {
		memory.asked_ns = memory.asked_ns ?: now_ns;
		memory.last_asked_ns = now_ns;
	}
	if (memory.asked_ns && now_ns - memory.last_asked_ns > FORGET_NS)
		memory.asked_ns = memory.last_asked_ns = 0;
	return memory;
}

static int history_reserve(struct wireguard_history *history, uint32_t count)
{
	struct wireguard_memory *peers, *next;

	if (count <= history->max)
		return 0;
	peers = reallocarray(history->peers, count, sizeof(*peers));
	history->peers = peers ?: history->peers;
	next = reallocarray(history->next, count, sizeof(*next));
	history->next = next ?: history->next;
	if (!peers || !next)
		return -ENOMEM;
	history->max = count;
	return 0;
}

int wireguard_history_note(struct wireguard_history *history, const struct wireguard_device *device,
			   uint64_t now_ns)
{
	uint64_t elapsed_ns = history->at_ns ? now_ns - history->at_ns : 0;
	struct wireguard_memory *former;
	uint32_t at = 0;
	int r = history_reserve(history, device->count);

	if (r)
		return r;
	for (uint32_t i = 0; i < device->count; i++) { /* both are sorted */
		const struct wireguard_peer *peer = &device->peers[i];
		int order = -1;

		while (at < history->count &&
		       (order = memcmp(history->peers[at].public_key, peer->public_key,
				       WIREGUARD_KEY_SIZE)) < 0)
			at++;
		former = at < history->count && !order ? &history->peers[at] : NULL;
		history->next[i] = memory_make(peer, former, now_ns, elapsed_ns);
	}
	former = history->peers;
	history->peers = history->next;
	history->next = former;
	history->count = device->count;
	history->at_ns = now_ns;
	return 0;
}

void wireguard_history_reset(struct wireguard_history *history)
{
	history->count = 0;
	history->at_ns = 0;
}

void wireguard_history_free(struct wireguard_history *history)
{
	free(history->peers);
	free(history->next);
	*history = (struct wireguard_history){};
}

/*
 * The side that answered the last handshake renews it later than the side that began it: with the
 * first keepalive after REJECT_AFTER. Until that is due and answered, an older handshake is not an
 * error.
 */
static bool keepalive_is_due(const struct wireguard_peer *peer,
			     const struct wireguard_memory *memory, uint64_t age, uint64_t now_ns)
{
	uint64_t interval_ns = (peer->keepalive_sec + REKEY_TIMEOUT) * NS_PER_S;

	return memory->sent_ns && now_ns - memory->sent_ns <= interval_ns &&
	       age <= REJECT_AFTER + peer->keepalive_sec + ANSWER_NS / NS_PER_S;
}

enum tunnel_state wireguard_peer_state(const struct wireguard_peer *peer,
				       const struct wireguard_memory *memory, uint64_t now_ns,
				       uint64_t now_sec)
{
	uint64_t age = now_sec > peer->handshake_sec ? now_sec - peer->handshake_sec : 0,
		 renewed = REJECT_AFTER;

	if (memory->asked_ns && now_ns - memory->asked_ns >= ANSWER_NS)
		return TUNNEL_STALE;
	if (!had_handshake(peer))
		return TUNNEL_NEVER;
	/* Sending renews handshakes: with a long keepalive interval they can be older. */
	if (REKEY_AFTER + peer->keepalive_sec + ANSWER_NS / NS_PER_S > REJECT_AFTER)
		renewed = REKEY_AFTER + peer->keepalive_sec + ANSWER_NS / NS_PER_S;
	if (age <= REJECT_AFTER)
		return TUNNEL_UP;
	if (!peer->keepalive_sec || age <= renewed || keepalive_is_due(peer, memory, age, now_ns))
		return TUNNEL_IDLE;
	return TUNNEL_STALE;
}

static unsigned int severity(enum tunnel_state state)
{
	static const unsigned int order[TUNNEL_STATE_MAX] = {
		[TUNNEL_IDLE] = 1, [TUNNEL_NEVER] = 2, [TUNNEL_STALE] = 3
	};

	return order[state];
}

enum tunnel_state wireguard_device_state(const struct wireguard_device *device,
					 const struct wireguard_history *history, uint64_t now_ns,
					 uint64_t now_sec)
{
	enum tunnel_state worst = TUNNEL_NO_PEER;
	bool owned = false;

	for (uint32_t i = 0; i < device->count && i < history->count; i++) {
		const struct wireguard_peer *peer = &device->peers[i];
		enum tunnel_state state =
			wireguard_peer_state(peer, &history->peers[i], now_ns, now_sec);

		if (owned && !peer->default_route)
			continue;
		if (worst == TUNNEL_NO_PEER || (!owned && peer->default_route) ||
		    severity(state) > severity(worst))
			worst = state;
		owned |= peer->default_route;
	}
	return worst;
}
