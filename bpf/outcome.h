/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts requests and their outcomes. The packet programs and the socket programs include it. */
#pragma once

#include "count.h"
#include "maps.h"
#include "parse/socks.h"

/*
 * Returns the index of a client's address among the first `used`, or ABI_CLIENTS_MAX. `high`,
 * `low`: see ABI_HALVES. A global function: the verifier checks the search once, and takes its
 * result as an unknown index.
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

/* Adds a client with one request, unless another was added since the search. Returns whether. */
static __always_inline int client_add(struct client_table *t, __u32 used, __u64 high, __u64 low)
{
	int added = 0;

	if (used >= ABI_CLIENTS_MAX)
		return 0;
	bpf_spin_lock(&t->lock);
	if (t->used == used) {
		ABI_HALVES(t->clients[used].address)[0] = high;
		ABI_HALVES(t->clients[used].address)[1] = low;
		t->clients[used].requests = 1;
		t->used = used + 1;
		added = 1;
	}
	bpf_spin_unlock(&t->lock);
	return added;
}

/*
 * Counts a request by client address: in the client's entry, in a new entry while there is room,
 * else in requests_unattributed. Two CPUs never give one address two entries, nor one entry two
 * addresses. A CPU that loses the race in each round counts in requests_unattributed. Returns 0.
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
		__u32 used, index;

		/* Orders the reads of the addresses after that of `used`, on arm64 too. */
		bpf_spin_lock(&t->lock);
		used = t->used;
		bpf_spin_unlock(&t->lock);
		index = client_find(slot, used, high, low);
		if (index < ABI_CLIENTS_MAX) {
			COUNT(t->clients[index].requests);
			return 0;
		}
		if (used >= ABI_CLIENTS_MAX)
			break;
		if (client_add(t, used, high, low))
			return 0;
	}
	COUNT(c->requests_unattributed);
	return 0;
}

/* Counts a request. `command`: enum abi_command. */
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

/* Counts the outcome of a request. `verdict`: see socks_verdict. */
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

/* Returns the time in ns since the request was complete, or 0 if that is unknown. */
static __always_inline __u64 dialogue_age(const struct dialogue *d, __u64 now)
{
	return d->request_ns && d->request_ns < now ? now - d->request_ns : 0;
}
