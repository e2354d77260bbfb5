/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a WireGuard tunnel; their words are metric_tunnel_state's. */
#pragma once

#include <stdbool.h>

/*
 * X(enumerator, word).
 * no_interface: missing or down. never: no handshake yet, and none tried in vain.
 * idle: the session has run out, and nothing called for another.
 * stale: keepalive or traffic called for an answer, and none came.
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

/* Whether traffic can be sent into it with reason. */
static inline bool tunnel_usable(enum tunnel_state state)
{
	return state == TUNNEL_UP || state == TUNNEL_IDLE || state == TUNNEL_NEVER;
}
