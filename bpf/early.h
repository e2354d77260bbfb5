/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Data of a client that came before its session: read at ingress, moved at the session's begin. */
#pragma once

#include "count.h"
#include "maps.h"
#include "outcome.h"

/*
 * An entry is useful for microseconds, from a segment to the end of its handshake. Older entries
 * come from data whose connection was never established, and their ports may be in use again.
 */
#define EARLY_AGE_MAX_NS ABI_S(1)

static __always_inline int early_is_fresh(const struct early_dialogue *e)
{
	return bpf_ktime_get_ns() - e->begun_ns < EARLY_AGE_MAX_NS;
}

/*
 * Called before the entry is inserted, so that a session that begins later sees it. `now`: the time
 * of the entry.
 */
static __always_inline void early_announce(__u64 now)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&early_last, &zero);

	if (last)
		*last = now;
}

/* Whether there may be a useful entry. */
static __always_inline int early_is_possible(__u64 now)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&early_last, &zero);

	return last && now - *last < EARLY_AGE_MAX_NS;
}

/*
 * Moves the client's first data, which was read before the session existed, into the session. The
 * caller whose delete succeeds owns the entry.
 */
static __always_inline void early_take(const struct session_key *key, struct session *s,
				       struct proxy_counters *c)
{
	struct early_dialogue *e = bpf_map_lookup_elem(&early, key);
	struct dialogue copy;
	int fresh, count = 0, lost = 0;

	if (!e)
		return;
	copy = e->dialogue;
	fresh = early_is_fresh(e);
	if (map_delete(&early, key) || !fresh)
		return;
	bpf_spin_lock(&s->lock);
	if (copy.client.isn !=
	    s->dialogue.client.isn) { /* the data did not begin at the connection's begin */
		lost = !s->dialogue.client.next;
		if (lost)
			s->dialogue.client.flags |= DIALOGUE_DONE | DIALOGUE_LOST;
	} else if (copy.client.next >
		   s->dialogue.client.next) { /* else the session has read as much itself */
		s->dialogue.client = copy.client;
		s->dialogue.command = copy.command;
		s->dialogue.malformed = copy.malformed;
		s->dialogue.request_ns = copy.request_ns;
		count = copy.requested && !s->closed;
		s->dialogue.requested = count;
		lost = copy.client.flags & DIALOGUE_LOST;
	}
	bpf_spin_unlock(&s->lock);
	if (count)
		request_count(c, key, copy.command);
	if (lost)
		count_loss(c, ABI_LOSS_OUT_OF_ORDER);
}
