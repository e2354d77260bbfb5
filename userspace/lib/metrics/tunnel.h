/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a WireGuard tunnel; metric_tunnel_state returns their words. */
#pragma once

#include <stdbool.h>

/*
 * X(enumerator, word).
 * no_interface: missing or down.
 * no_peer: the device has no peers.
 * never: no handshake yet, and no failed attempt.
 * up: the last handshake is recent.
 * idle: the session has expired, and nothing required a new one.
 * stale: keepalive or traffic required an answer, and none arrived.
 */
#define TUNNEL_STATES(X)                     \
	X(TUNNEL_NO_INTERFACE, no_interface) \
	X(TUNNEL_NO_PEER, no_peer)           \
	X(TUNNEL_NEVER, never)               \
	X(TUNNEL_UP, up)                     \
	X(TUNNEL_IDLE, idle)                 \
	X(TUNNEL_STALE, stale)

#define TUNNEL_STATE_(id, word) id,
enum tunnel_state { TUNNEL_STATES(TUNNEL_STATE_) TUNNEL_STATE_MAX };
#undef TUNNEL_STATE_

/* Returns whether traffic can be expected to pass. */
static inline bool tunnel_usable(enum tunnel_state state)
{
	return state == TUNNEL_UP || state == TUNNEL_IDLE || state == TUNNEL_NEVER;
}
