/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map and constant of the BPF programs. Each program file includes this header; __weak lets
 * the static linker merge the copies. Before the load, the loader sets the size of each map that
 * has an entry for each proxy (1 here). include/wgsocks/abi.h describes keys and values.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include <wgsocks/abi.h>

/* Constants that vmlinux.h lacks; the same on both architectures. */
#define ENOENT 2
#define EEXIST 17
#define TC_ACT_UNSPEC (-1) /* and TCX_NEXT: the next program decides */
#define LOOPBACK_IFINDEX 1 /* in each network namespace: include/net/flow.h */

/* Written by the collector, read by every program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct proxy);
} proxies SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_NETNS_BUCKETS);
	__type(key, __u32);
	__type(value, struct netns_bucket);
} netns SEC(".maps") __weak;

/* Counted per connection. Mapped into the collector's memory; changed by atomic adds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct proxy_counters);
} counters SEC(".maps") __weak;

/* Counted per packet, hence per CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_TUNNELS_MAX);
	__type(key, __u32);
	__type(value, struct tunnel_counters);
} tunnels SEC(".maps") __weak;

/* Not preallocated: an empty map takes 1 MiB instead of 11 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_SESSIONS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct session_key);
	__type(value, struct session);
} sessions SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_UPSTREAMS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct upstream);
} upstreams SEC(".maps") __weak;

/*
 * Data of a dialogue that arrived before its session existed, on the last ACK of the TCP handshake.
 * If an entry is evicted, the session of that connection counts a loss.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_EARLY_MAX);
	__type(key, struct session_key);
	__type(value, struct early_dialogue);
} early SEC(".maps") __weak;

/*
 * When an entry of `early` was last inserted (CLOCK_MONOTONIC, ns). A new session looks into
 * `early` only if that is recent.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} early_last SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_DNS_PENDING_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dns_key);
	__type(value, struct dns_pending);
} dns_pending SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_DNS_STREAMS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dns_key);
	__type(value, struct dns_stream);
} dns_streams SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_DNS_SEEN_MAX);
	__type(key, struct dns_key);
	__type(value, struct dns_seen);
} dns_seen SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_HANDSHAKES_MAX);
	__type(key, struct handshake_key);
	__type(value, __u64);
} handshakes SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_HANDSHAKES_MAX);
	__type(key, struct handshake_seen_key);
	__type(value, __u32);
} handshakes_seen SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_UNCLAIMED_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct unclaimed_key);
	__type(value, struct unclaimed_handshakes);
} handshakes_unclaimed SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_EVENTS_BYTES);
} events SEC(".maps") __weak;

/* Mapped into the collector's memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct event_budget);
} event_budgets SEC(".maps") __weak;

/* By enum abi_packet_program. The stubs and the packet programs call packet programs through it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ABI_PACKET_MAX);
	__type(key, __u32);
	__type(value, __u32);
} packet_programs SEC(".maps") __weak;

/* Used by the collector only. Declared here, so that it is pinned and sized like the others. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct window);
} windows SEC(".maps") __weak;

/* Used by the collector only. Absent while the compat collector is off. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct rates);
} rates SEC(".maps") __weak;

/* Absent while the clients collector is off. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct client_table);
} clients SEC(".maps") __weak;

/* Absent while destinations are off; the loader sets the sizes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct destination_bucket);
} destinations SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct destination_entry);
} destination_entries SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_COUNTRIES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct destination_country);
} destination_countries SEC(".maps") __weak;

/* Present only with --destinations.label=name. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_ANSWERS_BYTES);
} answers SEC(".maps") __weak;

/*
 * Set between open and load. The verifier knows these values and removes the code of a disabled
 * collector.
 */
const volatile __u8 dns_enabled __weak = 1; /* the collector dns or leaks is on */
const volatile __u8 dns_counted __weak = 1; /* the collector dns is on */
const volatile __u8 handshakes_enabled __weak = 1;
const volatile __u8 leaks_enabled __weak = 1;
const volatile __u8 clients_enabled __weak = 1;

/* --leak.allow: the first leak_allow_count entries are set. */
const volatile struct leak_network leak_allow[ABI_LEAK_ALLOW_MAX] __weak = {};
const volatile __u32 leak_allow_count __weak = 0;
const volatile __u8 destinations_enabled __weak = 0;
const volatile __u8 answers_enabled __weak = 0;
const volatile __u32 destination_buckets __weak = 256; /* of one proxy: a power of two */

/* Returns the counters of a slot, or NULL if there is no such slot. */
static __always_inline struct proxy_counters *counters_of(__u32 slot)
{
	return bpf_map_lookup_elem(&counters, &slot);
}

/* Returns the proxy of a slot, or NULL if there is no such slot. */
static __always_inline struct proxy *proxy_of(__u32 slot)
{
	return bpf_map_lookup_elem(&proxies, &slot);
}

/* Whether a port (host order) is one of the proxy's SOCKS listeners. */
static __always_inline int proxy_listens(const struct proxy *proxy, __u16 port)
{
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (!proxy->ports[i])
			return 0;
		if (proxy->ports[i] == port)
			return 1;
	}
	return 0;
}

#define TUNNEL_NONE (-1)
/* Flag of a tunnel index: the tunnel is a guess, its port is unknown. */
#define TUNNEL_GUESS 0x100

/*
 * Returns the index of the tunnel whose WireGuard device has this port (host order). A present
 * tunnel comes before a removed one, whose port it may have taken. If no tunnel has the port,
 * returns the first tunnel whose port is unknown with TUNNEL_GUESS. If no tunnel is present,
 * returns index 0 with TUNNEL_GUESS, for a new tunnel that is not listed yet. Else TUNNEL_NONE.
 */
static __always_inline int tunnel_of_port(const struct proxy *proxy, __u16 port)
{
	int unknown = TUNNEL_NONE, former = TUNNEL_NONE, present = 0;

	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		const struct proxy_tunnel *t = &proxy->tunnels[i];

		present |= t->ifindex != 0;
		if (t->ifindex && t->listen_port == port)
			return i;
		if (t->ifindex && !t->listen_port && unknown == TUNNEL_NONE)
			unknown = i;
		if (t->listen_port && t->listen_port == port)
			former = i;
	}
	if (unknown != TUNNEL_NONE)
		return unknown | TUNNEL_GUESS;
	if (former != TUNNEL_NONE)
		return former;
	return present ? TUNNEL_NONE : TUNNEL_GUESS;
}

/* Whether this is a tunnel index without TUNNEL_GUESS. */
static __always_inline int tunnel_is_known(int tunnel)
{
	return tunnel != TUNNEL_NONE && !(tunnel & TUNNEL_GUESS);
}

/*
 * Insert a new entry, and delete an entry. Both return 0 or a negative errno (-EEXIST, -ENOENT).
 * The cast is needed: before Linux 6.4 (d7ba4cc900bf) the kernel functions return an int. The JIT
 * leaves the upper half of the register undefined, so the long does not equal -EEXIST.
 */
static __always_inline int map_insert(void *map, const void *key, const void *value)
{
	return (int)bpf_map_update_elem(map, key, value, BPF_NOEXIST);
}

static __always_inline int map_delete(void *map, const void *key)
{
	return (int)bpf_map_delete_elem(map, key);
}
