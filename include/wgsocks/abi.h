/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys and values of the BPF maps: the contract between the BPF programs (bpf/), the collector, and
 * operators who read the maps with bpftool. Types have fixed widths, and their sizes are asserted.
 * Any change of a size or a meaning needs a new ABI_LAYOUT, which names the folder of the pins.
 *
 * - This header: proxies and their counters.
 * - abi_labels.h: the closed sets of label values.
 * - abi_connections.h: entries that live as long as a connection or a message.
 * - abi_tables.h: destinations, clients and the last minutes.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/bpf.h> /* struct bpf_spin_lock */
#include <linux/types.h>
#endif

#include <wgsocks/abi_labels.h>

#define ABI_LAYOUT 2

#define ABI_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), #type " changed: that is a new ABI_LAYOUT")

#define ABI_PORTS_MAX 8	      /* listener ports of one proxy */
#define ABI_TUNNELS_MAX 4     /* tunnel interfaces of one proxy */
#define ABI_INTERFACES_MAX 12 /* underlay interfaces of one proxy that struct proxy lists */
#define ABI_INTERFACE_SIZE 16 /* IFNAMSIZ */
#define ABI_PROCESSES_MAX 4   /* names of SOCKS server processes */
#define ABI_COMM_SIZE 16      /* TASK_COMM_LEN */
#define ABI_NAME_SIZE 64

#ifndef ABI_SESSIONS_MAX /* a test build sets a small number */
#define ABI_SESSIONS_MAX 65536
#endif
#define ABI_UPSTREAMS_MAX 32768
#define ABI_EARLY_MAX 1024
#define ABI_DNS_PENDING_MAX 4096
#define ABI_DNS_STREAMS_MAX 1024
#define ABI_EVENTS_BYTES 4096

/* The table of network namespaces: buckets of four, by the low bits of the namespace's inode. */
#define ABI_NETNS_BUCKETS 4096
#define ABI_NETNS_WAYS 4

/*
 * Counters by an enum are a struct whose member names are the label values, in the order of the
 * enum (abi_labels.h). ABI_AT finds the member of an enumerator.
 */
#define ABI_AT(type, group, index) (((type *)&(group))[index])

/* An address is 16 bytes in network order, IPv4 mapped (::ffff:a.b.c.d), compared by halves. */
#define ABI_HALVES(address) ((__u64 *)(address))

/* ---- histograms ---- */

#define ABI_HISTOGRAM_BUCKETS 17

enum abi_histogram_bounds {
	ABI_BOUNDS_LATENCY, /* 1 ms … 120 s: requests and connects, from a LAN to a dead target */
	ABI_BOUNDS_LIFETIME, /* 10 ms … 24 h: connections */
	ABI_BOUNDS_MAX
};

/* Upper bounds in nanoseconds: [bounds][bucket], 16 finite bounds each. */
#define ABI_MS(n) ((n)*1000000ULL)
#define ABI_S(n) ((n)*1000000000ULL)
#define ABI_HISTOGRAM_BOUNDS                                                                     \
	{                                                                                        \
		{ ABI_MS(1),   ABI_MS(5) / 2, ABI_MS(5),   ABI_MS(10), ABI_MS(25),   ABI_MS(50), \
		  ABI_MS(100), ABI_MS(250),   ABI_MS(500), ABI_S(1),   ABI_MS(2500), ABI_S(5),   \
		  ABI_S(10),   ABI_S(30),     ABI_S(60),   ABI_S(120) },                         \
			{ ABI_MS(10),  ABI_MS(50),  ABI_MS(100),  ABI_MS(500),                   \
			  ABI_S(1),    ABI_S(5),    ABI_S(10),	  ABI_S(30),                     \
			  ABI_S(60),   ABI_S(120),  ABI_S(300),	  ABI_S(600),                    \
			  ABI_S(1800), ABI_S(3600), ABI_S(21600), ABI_S(86400) },                \
	}

/*
 * Buckets are not cumulative, and the number of values is their sum. The last bucket is +Inf. A
 * value equal to a bound is in the bucket of that bound (le).
 */
struct abi_histogram {
	__u64 buckets[ABI_HISTOGRAM_BUCKETS];
	__u64 sum_ns;
};

/* ---- counters of a proxy ---- */

/* Without pending queries, queries = responses + unanswered. `duration`: query to response. */
struct dns_counters {
	struct dns_type_counts queries;
	struct dns_rcode_counts responses;
	__u64 unanswered;
	struct abi_histogram duration;
};

#define ABI_DNS_COUNTERS_(id, word) struct dns_counters word;
struct dns_paths {
	ABI_PATHS(ABI_DNS_COUNTERS_)
};
#undef ABI_DNS_COUNTERS_

/* Handshake messages of one tunnel. `duration`: from the initiation sent to its response. */
struct handshake_counters {
	struct handshake_counts initiations;
	struct handshake_counts responses;
	struct abi_histogram duration;
};

#define ABI_HISTOGRAM_(id, word) struct abi_histogram word;
struct outcome_histograms {
	ABI_OUTCOMES(ABI_HISTOGRAM_)
};
#undef ABI_HISTOGRAM_

/* Map `counters`: slot → this. Gauges are __s64; all other members only grow. */
struct proxy_counters {
	__u64 client_connections;
	__s64 client_active;
	struct request_counts requests;
	__u64 successes;
	struct failure_counts failures;
	__u64 upstream_connects;
	__s64 upstream_active;
	__s64 upstream_pending; /* SYN sent, no answer yet */
	__s64 dns_pending;	/* entries of the map dns_pending */
	__s64 dns_streams;	/* entries of the map dns_streams */
	struct upstream_failure_counts upstream_failures;
	struct side_counts retransmits;
	struct loss_counts losses;
	__u64 leaked_connections;
	__u64 leaked_dns;
	__u64 requests_unattributed; /* clients collector: requests of clients without an entry */
	struct outcome_histograms request_duration;
	struct abi_histogram connection_duration;
	struct abi_histogram upstream_connect_duration;
	struct dns_paths dns;
	struct handshake_counters handshakes[ABI_TUNNELS_MAX];
};

/* Inner packets, and their bytes from the IP header on. */
struct traffic {
	__u64 packets;
	__u64 bytes;
};

#define ABI_TRAFFIC_(id, word) struct traffic word;
struct protocol_traffic {
	ABI_PROTOCOLS(ABI_TRAFFIC_)
};
#undef ABI_TRAFFIC_

#define ABI_TRAFFIC_(id, word) struct protocol_traffic word;
struct family_traffic {
	ABI_FAMILIES(ABI_TRAFFIC_)
};
#undef ABI_TRAFFIC_

#define ABI_TRAFFIC_(id, word) struct family_traffic word;
struct direction_traffic {
	ABI_DIRECTIONS(ABI_TRAFFIC_)
};
#undef ABI_TRAFFIC_

/* Map `tunnels`: slot × ABI_TUNNELS_MAX + tunnel index → this, per CPU. */
struct tunnel_counters {
	struct direction_traffic traffic;
	struct direction_counts last_jiffies; /* bpf_jiffies64() at the last packet */
	struct direction_counts other;	      /* bytes of addresses without a series */
};

#define ABI_TRAFFIC(counters, direction, family, protocol) \
	ABI_AT(struct traffic, (counters)->traffic,        \
	       ((direction)*ABI_FAMILY_MAX + (family)) * ABI_PROTOCOL_MAX + (protocol))

/* ---- proxies ---- */

/*
 * A tunnel is identified by its name. It keeps its index, and so its counts, when it is recreated.
 */
struct proxy_tunnel {
	char name[ABI_INTERFACE_SIZE]; /* "": the index is free */
	__u32 ifindex;		       /* 0: the interface does not exist now */
	__u16 listen_port;	       /* WireGuard's, host order, as last read; 0: unknown */
	__u16 reserved;
	__u64 unwatched_ns; /* total time in which a recreated tunnel was not yet counted */
};

/* Map `proxies`: slot → this. Written by the collector. */
struct proxy {
	char name[ABI_NAME_SIZE];
	__u32 netns_inode;	    /* 0: the slot is free */
	__u32 generation;	    /* differs between the proxies that have used the slot */
	__u16 ports[ABI_PORTS_MAX]; /* SOCKS listeners, host order, 0 ends the list */
	struct proxy_tunnel tunnels[ABI_TUNNELS_MAX];
	__u32 underlay_ifindex[ABI_INTERFACES_MAX];
	__u64 retired_bytes; /* of tunnels whose index another tunnel has taken */
	struct direction_counts retired_other;
	__u64 netns_cookie; /* unique until a reboot; 0: the kernel has none (before 5.14) */
};

struct netns_entry {
	__u32 inode; /* 0: free */
	__u32 slot;
};

/* Map `netns`: inode & (ABI_NETNS_BUCKETS - 1) → this. */
struct netns_bucket {
	struct netns_entry ways[ABI_NETNS_WAYS];
};

/* In rodata: the names of SOCKS server processes, padded with zeros. */
struct process_names {
	char comm[ABI_PROCESSES_MAX][ABI_COMM_SIZE];
};

/*
 * In rodata: a network that --leak.allow allows. In network order, IPv4 mapped. The address has no
 * bits outside the mask.
 */
#define ABI_LEAK_ALLOW_MAX 16
struct leak_network {
	__u64 address[2];
	__u64 mask[2];
};

/*
 * The stub packs three fields into skb->cb[4]: slot, length of the L2 header in bytes, and the
 * program that it calls (enum abi_packet_program). At a tunnel, the slot is the index in `tunnels`.
 * From these fields, programs called later know the interface and direction of the packet.
 */
#define ABI_STUB_SLOT(cb) ((cb)&0xffff)
#define ABI_STUB_L2(cb) (((cb) >> 16) & 0xff)
#define ABI_STUB_PROGRAM(cb) ((cb) >> 24)
#define ABI_STUB_CB(slot, l2, program) ((__u32)(slot) | (__u32)(l2) << 16 | (__u32)(program) << 24)

/* Indices of the PROG_ARRAY `packet_programs`. */
enum abi_packet_program {
	/* Called by stubs. */
	ABI_PACKET_TUNNEL_RECEIVE,
	ABI_PACKET_TUNNEL_TRANSMIT,
	ABI_PACKET_UNDERLAY_INGRESS, /* on lo, at egress: both directions */
	ABI_PACKET_UNDERLAY_EGRESS,
	/* Called by the programs above; absent while the collector is off. */
	ABI_PACKET_DIALOGUE_INGRESS,
	ABI_PACKET_DIALOGUE_EGRESS,
	ABI_PACKET_DNS_UDP,
	ABI_PACKET_DNS_TCP,
	ABI_PACKET_HANDSHAKE,
	ABI_PACKET_MAX
};

/* Ring buffer `events`: rare events. The collector scans at once after each. */
enum abi_event { ABI_EVENT_LISTEN = 1, ABI_EVENT_LISTEN_END };
/* The process that begins to listen. */
enum abi_server {
	ABI_SERVER_NONE,    /* not a SOCKS server */
	ABI_SERVER_UNKNOWN, /* a SOCKS server; before Linux 5.11 its parent cannot be read */
	ABI_SERVER_FIRST,   /* the first process of a SOCKS server: a listener for clients */
	ABI_SERVER_CHILD,   /* a child of it: the listener of a client's BIND */
};
/*
 * Map `event_budgets`: slot → this. The entry after the last slot is for all unwatched namespaces.
 * One namespace cannot fill the ring buffer, or keep the collector busy.
 */
#define ABI_EVENTS_PER_SECOND 16
struct event_budget {
	__u64 second; /* bpf_ktime_get_ns() >> 30, of `sent` */
	__u32 sent;
	__u32 skipped; /* events that were not sent; only grows */
};
#define ABI_SLOT_NONE 0xffffffffu /* an unwatched namespace, in which a proxy may have started */
struct event {
	__u32 kind; /* enum abi_event */
	__u32 slot; /* or ABI_SLOT_NONE */
	__u32 netns_inode;
	__u16 port;	 /* host order; 0 with ABI_SLOT_NONE */
	__u16 by_server; /* enum abi_server */
};

ABI_ASSERT_SIZE(abi_histogram, 144);
ABI_ASSERT_SIZE(dns_counters, 296);
ABI_ASSERT_SIZE(handshake_counters, 176);
ABI_ASSERT_SIZE(proxy_counters, 2240);
ABI_ASSERT_SIZE(tunnel_counters, 288);
ABI_ASSERT_SIZE(proxy, 296);
ABI_ASSERT_SIZE(netns_bucket, 32);
ABI_ASSERT_SIZE(event_budget, 16);
ABI_ASSERT_SIZE(leak_network, 32);
ABI_ASSERT_SIZE(event, 16);

#include <wgsocks/abi_connections.h>
#include <wgsocks/abi_tables.h>
