/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef WGSOCKS_BPF_EARLY_H
#define WGSOCKS_BPF_EARLY_H

#include "maps.h"
#include "outcome.h"

/*
 * An entry is of use between a segment and the end of the handshake that it came with: microseconds. What is older came from data that no session was
 * ever made for, and its ports may be used again.
 */
#define EARLY_AGE_MAX_NS 1000000000ULL

static __always_inline int early_is_fresh(const struct dialogue *d)
{
	return bpf_ktime_get_ns() - d->request_ns < EARLY_AGE_MAX_NS;
}

/* How the first data of the client, read before there was a session, gets into it: whose delete succeeds owns it. */
static __always_inline void early_take(const struct session_key *key, struct session *s, struct proxy_counters *c)
{
	struct dialogue *found = bpf_map_lookup_elem(&early, key), copy;

	if (!found)
		return;
	copy = *found;
	if (bpf_map_delete_elem(&early, key) || !early_is_fresh(&copy))
		return;
	if (copy.client.isn != s->dialogue.client.isn) { /* the data did not begin where the connection does */
		s->dialogue.client.flags |= DIALOGUE_DONE | DIALOGUE_LOST;
		count_loss(c, ABI_LOSS_OUT_OF_ORDER);
		return;
	}
	s->dialogue.client = copy.client;
	s->dialogue.command = copy.command;
	s->dialogue.malformed = copy.malformed;
	s->dialogue.request_ns = copy.request_ns;
	s->dialogue.requested = copy.requested;
	if (copy.requested)
		request_count(c, copy.command);
}

#endif
