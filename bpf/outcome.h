/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting a request and how it ended: used by the packet side and by the socket side. */
#ifndef WGSOCKS_BPF_OUTCOME_H
#define WGSOCKS_BPF_OUTCOME_H

#include "count.h"
#include "maps.h"
#include "parse/socks.h"

/*
 * The place of a client's address among the first `used`, or ABI_CLIENTS_MAX. Global functions
 * here, which take only scalars on 5.10: the verifier sees the search once, and its result as any
 * place.
 */
__weak __noinline __u32 client_find(__u32 slot, __u32 used, __u64 high, __u64 low)
{
	const struct client_table *t;

	if (!clients_enabled)
		return ABI_CLIENTS_MAX;
	t = bpf_map_lookup_elem(&clients, &slot);
	if (!t)
		return ABI_CLIENTS_MAX;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < ABI_CLIENTS_MAX && i < used; i++) {
		const __u64 *address = ABI_HALVES(t->clients[i].address);

		if (address[0] == high && address[1] == low)
			return i;
	}
	return ABI_CLIENTS_MAX;
}

/* A new place, if nobody has taken one since the search. */
static __always_inline int client_place(struct client_table *t, __u32 used, __u64 high, __u64 low)
{
	int placed = 0;

	if (used >= ABI_CLIENTS_MAX)
		return 0;
	bpf_spin_lock(&t->lock);
	if (t->used == used) {
		ABI_HALVES(t->clients[used].address)[0] = high;
		ABI_HALVES(t->clients[used].address)[1] = low;
		t->clients[used].requests = 1;
		t->used = used + 1;
		placed = 1;
	}
	bpf_spin_unlock(&t->lock);
	return placed;
}

/*
 * Counts a request by its client's address: in its place, in a new one while there is one, else
 * among the others. So two CPUs never give one address two places, nor the last place to two; who
 * loses that race each time is among the others once.
 */
#define CLIENT_ROUNDS_MAX 4

__weak __noinline int client_count(__u32 slot, __u64 high, __u64 low)
{
	struct proxy_counters *c = counters_of(slot);
	struct client_table *t;

	if (!clients_enabled || !c)
		return 0;
	t = bpf_map_lookup_elem(&clients, &slot);
	if (!t)
		return 0;
#pragma clang loop unroll(disable)
	for (int round = 0; round < CLIENT_ROUNDS_MAX; round++) {
		__u32 used, place;

		bpf_spin_lock(
			&t->lock); /* the addresses of these places are then there, on arm64 too */
		used = t->used;
		bpf_spin_unlock(&t->lock);
		place = client_find(slot, used, high, low);
		if (place < ABI_CLIENTS_MAX) {
			COUNT(t->clients[place].requests);
			return 0;
		}
		if (used >= ABI_CLIENTS_MAX)
			break;
		if (client_place(t, used, high, low))
			return 0;
	}
	COUNT(c->requests_unattributed);
	return 0;
}

static __always_inline void request_count(struct proxy_counters *c, const struct session_key *key,
					  __u32 command)
{
	__u64 address[2];

	if (command >= ABI_COMMAND_MAX)
		return;
	COUNT(ABI_AT(__u64, c->requests, command));
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
		histogram_observe(&c->request_duration.success, ABI_BOUNDS_LATENCY, duration_ns);
	} else if (failure < ABI_FAILURE_MAX) {
		COUNT(ABI_AT(__u64, c->failures, failure));
		histogram_observe(&c->request_duration.failure, ABI_BOUNDS_LATENCY, duration_ns);
	}
}

static __always_inline __u64 dialogue_age(const struct dialogue *d, __u64 now)
{
	return d->request_ns && d->request_ns < now ? now - d->request_ns : 0;
}

#endif
