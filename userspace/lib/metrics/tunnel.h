/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a WireGuard tunnel; their words are metric_tunnel_state's. */
#pragma once

#include <stdbool.h>

enum tunnel_state {
	TUNNEL_NO_INTERFACE, /* missing or down */
	TUNNEL_NO_PEER,
	TUNNEL_NEVER, /* no handshake yet, and none tried in vain */
	TUNNEL_UP,
	TUNNEL_IDLE,  /* the session has run out, and nothing called for another */
	TUNNEL_STALE, /* keepalive or traffic called for an answer, and none came */
	TUNNEL_STATE_MAX
};

/* Whether traffic can be sent into it with reason. */
static inline bool tunnel_usable(enum tunnel_state state)
{
	return state == TUNNEL_UP || state == TUNNEL_IDLE || state == TUNNEL_NEVER;
}
