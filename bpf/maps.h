/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map of the kernel side. Each program file includes this; __weak lets the static linker
 * merge the copies. The loader sets sizes by proxy (1 here) before the load.
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

/* Counted per connection: shared memory with the collector, atomic adds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct proxy_counters);
} counters SEC(".maps") __weak;

/* Counted per packet: per CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_TUNNELS_MAX);
	__type(key, __u32);
	__type(value, struct tunnel_counters);
} tunnels SEC(".maps") __weak;

/* Not preallocated: 1 MiB when empty instead of 11. */
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
 * Bytes of a dialogue that came before its session was known: data on the last ACK of the
 * handshake. An entry may be evicted: it is an optimisation.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_EARLY_MAX);
	__type(key, struct session_key);
	__type(value, struct early_dialogue);
} early SEC(".maps") __weak;

/*
 * When data last came before its session (CLOCK_MONOTONIC): a new session looks into `early` only
 * then.
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

/* Where the stubs find the packet programs, and these each other: enum abi_packet_program. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ABI_PACKET_MAX);
	__type(key, __u32);
	__type(value, __u32);
} packet_programs SEC(".maps") __weak;

/* Used by the collector alone; declared here to be pinned and sized with the others. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct window);
} windows SEC(".maps") __weak;

/* Used by the collector alone. Absent while the compat collector is off. */
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

/* Only with --destinations.label=name. */
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

static __always_inline struct proxy_counters *counters_of(__u32 slot)
{
	return bpf_map_lookup_elem(&counters, &slot);
}

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
/* Added to a tunnel index: it may be this tunnel, whose port is unknown. */
#define TUNNEL_GUESS 0x100

/*
 * Index of the tunnel whose WireGuard device has this port. Without one: the first tunnel whose
 * port is unknown, or index 0 for a new tunnel that is not listed yet, both with TUNNEL_GUESS. The
 * ports of former tunnels come after those of present tunnels, which may have taken them over.
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
 * 0 or a negative errno. Before 6.4 (d7ba4cc900bf) the kernel functions behind these helpers return
 * an int, and the JIT leaves the upper half of the register undefined: as a long, -EEXIST does not
 * equal -EEXIST.
 */
static __always_inline int map_insert(void *map, const void *key, const void *value)
{
	return (int)bpf_map_update_elem(map, key, value, BPF_NOEXIST);
}

static __always_inline int map_delete(void *map, const void *key)
{
	return (int)bpf_map_delete_elem(map, key);
}
