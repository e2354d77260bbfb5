/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Client data that arrives before its session exists. Ingress reads it into an entry of the map
 * `early`; the entry moves into the session when the session begins.
 */
#pragma once

#include "count.h"
#include "maps.h"
#include "outcome.h"

/*
 * An entry is useful for microseconds, from a segment to the end of its TCP handshake. An older
 * entry is of a connection that was never established, and its ports may be in use again.
 */
#define EARLY_AGE_MAX_NS ABI_S(1)

static __always_inline int early_is_fresh(const struct early_dialogue *e)
{
	return bpf_ktime_get_ns() - e->begun_ns < EARLY_AGE_MAX_NS;
}

/*
 * Records that an entry is about to be inserted. Called before the insert, so that a session that
 * begins later looks for it. `now`: CLOCK_MONOTONIC in ns.
 */
static __always_inline void early_announce(__u64 now)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&early_last, &zero);

	if (last)
		*last = now;
}

/* Whether there may be a fresh entry, of any session. */
static __always_inline int early_is_possible(__u64 now)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&early_last, &zero);

	return last && now - *last < EARLY_AGE_MAX_NS;
}

/*
 * Moves the entry into its session and counts its request. The caller whose delete succeeds owns
 * the entry.
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
	if (copy.client.isn != s->dialogue.client.isn) {
		/* The data does not begin at offset 0 of the connection. */
		lost = !s->dialogue.client.next;
		if (lost)
			s->dialogue.client.flags |= DIALOGUE_DONE | DIALOGUE_LOST;
	} else if (copy.client.next > s->dialogue.client.next) {
		/* The session has not read this data again. */
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
