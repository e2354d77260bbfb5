/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel side (bpf/), the collector, and an operator with bpftool: what
 * the maps hold. Types have fixed widths, layouts are asserted. Any change of a size or a meaning
 * needs a new ABI_LAYOUT, which names the pin folder.
 *
 * This header: proxies and their counters. abi_connections.h: entries that live as long as a
 * connection or a message. abi_tables.h: destinations, clients and the last minutes.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/bpf.h> /* struct bpf_spin_lock */
#include <linux/types.h>
#endif

#define ABI_LAYOUT 2

#define ABI_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), #type " changed: that is a new ABI_LAYOUT")

#define ABI_PORTS_MAX 8	      /* listener ports of one proxy */
#define ABI_TUNNELS_MAX 4     /* tunnel interfaces of one proxy */
#define ABI_INTERFACES_MAX 12 /* other interfaces of one proxy, for readers of the proxies map */
#define ABI_INTERFACE_SIZE 16 /* IFNAMSIZ */
#define ABI_PROCESSES_MAX 4   /* names of SOCKS server processes */
#define ABI_COMM_SIZE 16      /* TASK_COMM_LEN */
#define ABI_NAME_SIZE 64

#ifndef ABI_SESSIONS_MAX /* a test build has few */
#define ABI_SESSIONS_MAX 65536
#endif
#define ABI_UPSTREAMS_MAX 32768
#define ABI_EARLY_MAX 1024
#define ABI_DNS_PENDING_MAX 4096
#define ABI_DNS_STREAMS_MAX 1024
#define ABI_EVENTS_BYTES 4096

/* The look-up of a network namespace: buckets of four, by the low bits of the namespace's inode. */
#define ABI_NETNS_BUCKETS 4096
#define ABI_NETNS_WAYS 4

/*
 * Counters by an enum are a struct whose members have the metric's label values as names, in the
 * enum's order, so that a dump needs no legend. The code finds a member by its enum.
 */
#define ABI_AT(type, group, index) (((type *)&(group))[index])

/* An address is 16 bytes in network order, IPv4 mapped (::ffff:a.b.c.d), compared by halves. */
#define ABI_HALVES(address) ((__u64 *)(address))

/* ---- histograms: decimal bounds, the last bucket is +Inf ---- */

#define ABI_HISTOGRAM_BUCKETS 17

enum abi_histogram_bounds {
	ABI_BOUNDS_LATENCY,  /* 1 ms … 120 s: requests and connects, from a LAN to a dead target */
	ABI_BOUNDS_LIFETIME, /* 10 ms … 24 h: connections */
	ABI_BOUNDS_MAX
};

/* In nanoseconds: [bounds][bucket], 16 finite bounds each. */
#define ABI_MS(n) ((n)*1000000ULL)
#define ABI_S(n) ((n)*1000000000ULL)
#define ABI_HISTOGRAM_BOUNDS                                                                           \
	{                                                                                              \
		{ ABI_MS(1),	ABI_MS(2) + 500000ULL,                                                 \
		  ABI_MS(5),	ABI_MS(10),                                                            \
		  ABI_MS(25),	ABI_MS(50),                                                            \
		  ABI_MS(100),	ABI_MS(250),                                                           \
		  ABI_MS(500),	ABI_S(1),                                                              \
		  ABI_MS(2500), ABI_S(5),                                                              \
		  ABI_S(10),	ABI_S(30),                                                             \
		  ABI_S(60),	ABI_S(120) },                                                          \
			{ ABI_MS(10),  ABI_MS(50),  ABI_MS(100),  ABI_MS(500), ABI_S(1),   ABI_S(5),   \
			  ABI_S(10),   ABI_S(30),   ABI_S(60),	  ABI_S(120),  ABI_S(300), ABI_S(600), \
			  ABI_S(1800), ABI_S(3600), ABI_S(21600), ABI_S(86400) },                      \
	}

/*
 * Buckets are not cumulative; the count is their sum. A value equal to a bound is in its bucket
 * (le).
 */
struct abi_histogram {
	__u64 buckets[ABI_HISTOGRAM_BUCKETS];
	__u64 sum_ns;
};

/* ---- counters, by proxy ---- */

/* One byte, as all enums that are members, so that a dump shows their names. */
enum abi_command {
	ABI_COMMAND_CONNECT,
	ABI_COMMAND_BIND,
	ABI_COMMAND_UDP_ASSOCIATE,
	ABI_COMMAND_UNKNOWN,
	ABI_COMMAND_MAX
} __attribute__((packed));

struct request_counts {
	__u64 connect;
	__u64 bind;
	__u64 udp_associate;
	__u64 unknown;
};

/* The first eight are the reply codes 1 … 8 of RFC 1928, section 6. */
enum abi_failure {
	ABI_FAILURE_GENERAL,
	ABI_FAILURE_NOT_ALLOWED,
	ABI_FAILURE_NETWORK_UNREACHABLE,
	ABI_FAILURE_HOST_UNREACHABLE,
	ABI_FAILURE_CONNECTION_REFUSED,
	ABI_FAILURE_TTL_EXPIRED,
	ABI_FAILURE_COMMAND_NOT_SUPPORTED,
	ABI_FAILURE_ADDRESS_TYPE_NOT_SUPPORTED,
	ABI_FAILURE_NO_ACCEPTABLE_METHOD,
	ABI_FAILURE_AUTH_FAILED,
	ABI_FAILURE_CLIENT_ABORT,
	ABI_FAILURE_SERVER_ABORT,
	ABI_FAILURE_PROTOCOL_ERROR,
	ABI_FAILURE_OTHER,
	ABI_FAILURE_MAX
};

struct failure_counts {
	__u64 general_failure;
	__u64 not_allowed;
	__u64 network_unreachable;
	__u64 host_unreachable;
	__u64 connection_refused;
	__u64 ttl_expired;
	__u64 command_not_supported;
	__u64 address_type_not_supported;
	__u64 no_acceptable_method;
	__u64 auth_failed;
	__u64 client_abort;
	__u64 server_abort;
	__u64 protocol_error;
	__u64 other;
};

/*
 * The socket's error at SYN_SENT → CLOSE: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH,
 * ECONNRESET, none or ECONNABORTED (given up on this host), any other.
 */
enum abi_upstream_failure {
	ABI_UPSTREAM_REFUSED,
	ABI_UPSTREAM_TIMED_OUT,
	ABI_UPSTREAM_HOST_UNREACHABLE,
	ABI_UPSTREAM_NETWORK_UNREACHABLE,
	ABI_UPSTREAM_RESET,
	ABI_UPSTREAM_ABORTED,
	ABI_UPSTREAM_OTHER,
	ABI_UPSTREAM_MAX
};

struct upstream_failure_counts {
	__u64 refused;
	__u64 timed_out;
	__u64 host_unreachable;
	__u64 network_unreachable;
	__u64 reset;
	__u64 aborted;
	__u64 other;
};

enum abi_side { ABI_SIDE_CLIENT, ABI_SIDE_UPSTREAM, ABI_SIDE_MAX };

struct side_counts {
	__u64 client;
	__u64 upstream;
};

/* A loss is a number that is too low. */
enum abi_loss {
	/* An event that neither copy of a tracepoint program saw; found by reconciliation. */
	ABI_LOSS_RECURSION,
	/* A segment of a dialogue or of DNS that came before its predecessor and was not read. */
	ABI_LOSS_OUT_OF_ORDER,
	/* A full map. */
	ABI_LOSS_INSERT,
	/* A delete that failed with another error than -ENOENT. */
	ABI_LOSS_DELETE,
	/*
	 * What cannot be read: a dialogue (GSSAPI, IP fragments, longer than the parser's bound), a
	 * query without a header, DNS over TCP in IP fragments, or over a connection that began
	 * before the programs were attached.
	 */
	ABI_LOSS_PARSE,
	/* A full ring buffer. */
	ABI_LOSS_RESERVE,
	/* A full bucket of the netns table: the sockets of that proxy are not seen. */
	ABI_LOSS_NETNS_TABLE,
	ABI_LOSS_OTHER,
	ABI_LOSS_MAX
};

struct loss_counts {
	__u64 recursion;
	__u64 out_of_order;
	__u64 insert;
	__u64 delete;
	__u64 parse;
	__u64 reserve;
	__u64 netns_table;
	__u64 other;
};

/* The path of a DNS message: through the tunnel, or by any other interface but lo. */
enum abi_path { ABI_PATH_TUNNEL, ABI_PATH_UNDERLAY, ABI_PATH_MAX } __attribute__((packed));

/* QTYPE of the first question: RFC 1035, 3596, 2782, 9460; 255 is any. */
enum abi_dns_type {
	ABI_DNS_A,
	ABI_DNS_AAAA,
	ABI_DNS_CNAME,
	ABI_DNS_MX,
	ABI_DNS_TXT,
	ABI_DNS_SRV,
	ABI_DNS_PTR,
	ABI_DNS_NS,
	ABI_DNS_SOA,
	ABI_DNS_SVCB,
	ABI_DNS_HTTPS,
	ABI_DNS_ANY,
	ABI_DNS_OTHER,
	ABI_DNS_TYPE_MAX
};

struct dns_type_counts {
	__u64 a;
	__u64 aaaa;
	__u64 cname;
	__u64 mx;
	__u64 txt;
	__u64 srv;
	__u64 ptr;
	__u64 ns;
	__u64 soa;
	__u64 svcb;
	__u64 https;
	__u64 any;
	__u64 other;
};

/* RCODE of RFC 1035, section 4.1.1. */
enum abi_dns_rcode {
	ABI_DNS_NOERROR,
	ABI_DNS_NXDOMAIN,
	ABI_DNS_SERVFAIL,
	ABI_DNS_REFUSED,
	ABI_DNS_RCODE_OTHER,
	ABI_DNS_RCODE_MAX
};

struct dns_rcode_counts {
	__u64 noerror;
	__u64 nxdomain;
	__u64 servfail;
	__u64 refused;
	__u64 other;
};

/* At rest queries = responses + unanswered. */
struct dns_counters {
	struct dns_type_counts queries;
	struct dns_rcode_counts responses;
	__u64 unanswered;
	struct abi_histogram duration;
};

struct dns_paths {
	struct dns_counters tunnel;
	struct dns_counters underlay;
};

enum abi_handshake {
	ABI_HANDSHAKE_SENT,
	ABI_HANDSHAKE_RECEIVED,
	ABI_HANDSHAKE_MAX,
} __attribute__((packed));

struct handshake_counts {
	__u64 sent;
	__u64 received;
};

/* Of one tunnel, by its tunnel index in struct proxy. */
struct handshake_counters {
	struct handshake_counts initiations;
	struct handshake_counts responses;
	struct abi_histogram duration;
};

enum abi_outcome { ABI_OUTCOME_SUCCESS, ABI_OUTCOME_FAILURE, ABI_OUTCOME_MAX };

struct outcome_histograms {
	struct abi_histogram success;
	struct abi_histogram failure;
};

/* Map `counters`: slot → this. Counters only grow; active, pending and streams are gauges. */
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
	__s64 dns_streams;
	struct upstream_failure_counts upstream_failures;
	struct side_counts retransmits;
	struct loss_counts losses;
	__u64 leaked_connections;
	__u64 leaked_dns;
	__u64 requests_unattributed; /* clients collector: requests of clients that have no entry */
	struct outcome_histograms request_duration;
	struct abi_histogram connection_duration;
	struct abi_histogram upstream_connect_duration;
	struct dns_paths dns;
	struct handshake_counters handshakes[ABI_TUNNELS_MAX];
};

enum abi_family { ABI_FAMILY_IPV4, ABI_FAMILY_IPV6, ABI_FAMILY_MAX };
enum abi_protocol {
	ABI_PROTOCOL_TCP,
	ABI_PROTOCOL_UDP,
	ABI_PROTOCOL_ICMP,
	ABI_PROTOCOL_OTHER,
	ABI_PROTOCOL_MAX,
};
enum abi_direction { ABI_RECEIVE, ABI_TRANSMIT, ABI_DIRECTION_MAX };

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct protocol_traffic {
	struct traffic tcp;
	struct traffic udp;
	struct traffic icmp;
	struct traffic other;
};

struct family_traffic {
	struct protocol_traffic ipv4;
	struct protocol_traffic ipv6;
};

struct direction_traffic {
	struct family_traffic receive;
	struct family_traffic transmit;
};

struct direction_counts {
	__u64 receive;
	__u64 transmit;
};

/* Map `tunnels`: slot × ABI_TUNNELS_MAX + tunnel index → this, per CPU. */
struct tunnel_counters {
	struct direction_traffic traffic;
	struct direction_counts last_jiffies;
	struct direction_counts other; /* bytes of addresses without a series of their own */
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
	__u16 listen_port;	       /* WireGuard's, as last read; 0: unknown */
	__u16 reserved;
	__u64 unwatched_ns; /* packets may have passed uncounted, after the tunnel was recreated */
};

/* Map `proxies`: slot → this. Written by the collector. */
struct proxy {
	char name[ABI_NAME_SIZE];
	__u32 netns_inode;	    /* 0: the slot is free */
	__u32 generation;	    /* of the slot: differs for each proxy that has the slot */
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

/* In rodata: the names of SOCKS server processes, zero padded. */
struct process_names {
	char comm[ABI_PROCESSES_MAX][ABI_COMM_SIZE];
};

/*
 * In rodata: a network that leaks may go to. In network order, IPv4 mapped. The address has no bit
 * outside the mask.
 */
#define ABI_LEAK_ALLOW_MAX 16
struct leak_network {
	__u64 address[2];
	__u64 mask[2];
};

/*
 * skb->cb[4] as the stub sets it: slot (for a tunnel: its index in `tunnels`), L2 header length,
 * and the program that the stub calls (enum abi_packet_program). Programs called later learn from
 * it where the packet passes.
 */
#define ABI_STUB_SLOT(cb) ((cb)&0xffff)
#define ABI_STUB_L2(cb) (((cb) >> 16) & 0xff)
#define ABI_STUB_PROGRAM(cb) ((cb) >> 24)
#define ABI_STUB_CB(slot, l2, program) ((__u32)(slot) | (__u32)(l2) << 16 | (__u32)(program) << 24)

/* Indices of the PROG_ARRAY `packet_programs`. The tracepoints have an array of one entry each. */
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

/* Ring buffer `events`: rare events after which the collector scans at once. */
enum abi_event { ABI_EVENT_LISTEN = 1, ABI_EVENT_LISTEN_END };
/* The process that begins to listen. */
enum abi_server {
	ABI_SERVER_NONE,    /* no SOCKS server */
	ABI_SERVER_UNKNOWN, /* a SOCKS server; kernels before 5.11 do not tell which process */
	ABI_SERVER_FIRST,   /* its first process: a listener for clients */
	ABI_SERVER_CHILD,   /* a child: a client's BIND */
};
#define ABI_SLOT_NONE 0xffffffffu /* an unwatched namespace, in which a proxy may have begun */
struct event {
	__u32 kind; /* enum abi_event */
	__u32 slot;
	__u32 netns_inode;
	__u16 port;
	__u16 by_server; /* enum abi_server */
};

ABI_ASSERT_SIZE(abi_histogram, 144);
ABI_ASSERT_SIZE(request_counts, ABI_COMMAND_MAX * 8);
ABI_ASSERT_SIZE(failure_counts, ABI_FAILURE_MAX * 8);
ABI_ASSERT_SIZE(upstream_failure_counts, ABI_UPSTREAM_MAX * 8);
ABI_ASSERT_SIZE(side_counts, ABI_SIDE_MAX * 8);
ABI_ASSERT_SIZE(loss_counts, ABI_LOSS_MAX * 8);
ABI_ASSERT_SIZE(dns_type_counts, ABI_DNS_TYPE_MAX * 8);
ABI_ASSERT_SIZE(dns_rcode_counts, ABI_DNS_RCODE_MAX * 8);
ABI_ASSERT_SIZE(dns_paths, ABI_PATH_MAX * sizeof(struct dns_counters));
ABI_ASSERT_SIZE(handshake_counts, ABI_HANDSHAKE_MAX * 8);
ABI_ASSERT_SIZE(outcome_histograms, ABI_OUTCOME_MAX * sizeof(struct abi_histogram));
ABI_ASSERT_SIZE(direction_counts, ABI_DIRECTION_MAX * 8);
ABI_ASSERT_SIZE(protocol_traffic, ABI_PROTOCOL_MAX * sizeof(struct traffic));
ABI_ASSERT_SIZE(family_traffic, ABI_FAMILY_MAX * sizeof(struct protocol_traffic));
ABI_ASSERT_SIZE(direction_traffic, ABI_DIRECTION_MAX * sizeof(struct family_traffic));
ABI_ASSERT_SIZE(dns_counters, 296);
ABI_ASSERT_SIZE(handshake_counters, 176);
ABI_ASSERT_SIZE(proxy_counters, 2240);
ABI_ASSERT_SIZE(tunnel_counters, 288);
ABI_ASSERT_SIZE(proxy, 296);
ABI_ASSERT_SIZE(netns_bucket, 32);
ABI_ASSERT_SIZE(leak_network, 32);
ABI_ASSERT_SIZE(event, 16);

#include <wgsocks/abi_connections.h>
#include <wgsocks/abi_tables.h>
