/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting a request and how it ended: used by the packet side and by the socket side. */
#ifndef WGSOCKS_BPF_OUTCOME_H
#define WGSOCKS_BPF_OUTCOME_H

#include "histogram.h"
#include "maps.h"
#include "socks.h"

/*
 * Counts a request by its client's address: in its place, in a new one while there is one, else in none. All under the
 * lock, so that no two CPUs give the same address two places or the last place twice; at 50 places the search takes
 * less than 0.1 µs. A global function: 5.10 takes only scalars.
 */
__weak __noinline int client_count(__u32 slot, __u64 high, __u64 low)
{
	struct client_table *t;
	struct proxy_counters *c;
	__u32 i = 0, counted = 0;

	if (!clients_enabled)
		return 0;
	t = bpf_map_lookup_elem(&clients, &slot);
	c = counters_of(slot);
	if (!t || !c)
		return 0;
	bpf_spin_lock(&t->lock);
#pragma clang loop unroll(disable)
	for (i = 0; i < ABI_CLIENTS_MAX; i++) {
		struct client_requests *r = &t->clients[i];

		if (i >= t->used) {
			r->address[0] = high;
			r->address[1] = low;
			r->requests = 0;
			t->used = i + 1;
		} else if (r->address[0] != high || r->address[1] != low) {
			continue;
		}
		r->requests++;
		counted = 1;
		break;
	}
	bpf_spin_unlock(&t->lock);
	if (!counted)
		COUNT(c->requests_unattributed);
	return 0;
}

static __always_inline void request_count(struct proxy_counters *c, const struct session_key *key, __u32 command)
{
	__u64 address[2];

	if (command >= ABI_COMMAND_MAX)
		return;
	COUNT(c->requests[command]);
	if (!clients_enabled)
		return;
	__builtin_memcpy(address, key->client, sizeof(address));
	client_count(key->slot, address[0], address[1]);
}

/* Counts how a request ended. */
static __always_inline void dialogue_settle(struct dialogue *d, __u32 verdict, __u64 duration_ns,
					    struct proxy_counters *c)
{
	__u32 failure = verdict - SOCKS_VERDICT_FAILURE;

	d->settled = 1;
	if (verdict == SOCKS_VERDICT_SUCCESS) {
		COUNT(c->successes);
		histogram_observe(&c->request_duration[ABI_OUTCOME_SUCCESS], ABI_BOUNDS_LATENCY, duration_ns);
	} else if (failure < ABI_FAILURE_MAX) {
		COUNT(c->failures[failure]);
		histogram_observe(&c->request_duration[ABI_OUTCOME_FAILURE], ABI_BOUNDS_LATENCY, duration_ns);
	}
}

static __always_inline __u64 dialogue_age(const struct dialogue *d, __u64 now)
{
	return d->request_ns && d->request_ns < now ? now - d->request_ns : 0;
}

#endif
