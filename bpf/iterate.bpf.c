// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program that reconciles sessions with the TCP sockets of the host; the collector runs it. It
 * adopts client connections that began before the programs were attached. It marks the sessions
 * that still have a socket. Then the collector ends the unmarked sessions, whose CLOSE was lost. An
 * upstream connection whose ESTABLISHED was lost becomes active. The kernel holds each socket's
 * lock meanwhile, so no state changes.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>

#include "maps.h"
#include "session.h"

/* The collector sets a new number before each run. */
__u32 reconcile_round = 0;

SEC("iter/tcp")
int reconcile(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct session_key key;
	struct connection k;
	struct upstream *u;

	if (!common)
		return 0;
	switch (common->skc_state) {
	case TCP_ESTABLISHED:
	case TCP_SYN_SENT:
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
	case TCP_CLOSING: break;
	default: return 0; /* a listener, or no full socket */
	}
	if (connection_of(&k, common) || is_orphan(&k, common->skc_state))
		return 0;
	u = bpf_map_lookup_elem(&upstreams, &k.id);
	if (u) {
		u->seen = reconcile_round;
		if (!u->established && common->skc_state != TCP_SYN_SENT)
			upstream_established_unseen(&k, u);
		return 0;
	}
	if (!proxy_listens(k.proxy, k.local_port) || common->skc_state == TCP_SYN_SENT)
		return 0;
	session_key_of(&k, &key);
	session_adopt(&k, &key, reconcile_round);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
