/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel side (bpf/), the collector, and a human with bpftool: what lies in the maps.
 * Fixed-width types, asserted layout; any change of a size or a meaning is a new ABI_LAYOUT (it names the pin folder).
 */
#ifndef WGSOCKS_ABI_H
#define WGSOCKS_ABI_H

#ifndef __VMLINUX_H__
#include <linux/bpf.h> /* struct bpf_spin_lock */
#include <linux/types.h>
#endif

#define ABI_LAYOUT 2

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

/* The look-up of a network namespace: buckets of four, found by the low bits of the namespace's inode. */
#define ABI_NETNS_BUCKETS 4096
#define ABI_NETNS_WAYS 4

/*
 * Counters that an enum tells apart are groups: structs whose members have the metrics' own words for names, in the
 * enum's order, so that a dump needs no legend. The code finds a member by its enum.
 */
#define ABI_AT(type, group, index) (((type *)&(group))[index])

/* An address is 16 bytes in network order, IPv4 mapped (::ffff:a.b.c.d), and is compared by halves. */
#define ABI_HALVES(address) ((__u64 *)(address))

/* ---- histograms: decimal bounds, the last bucket is +Inf ---- */

#define ABI_HISTOGRAM_BUCKETS 17

enum abi_histogram_bounds {
	ABI_BOUNDS_LATENCY,  /* 1 ms … 120 s: requests and connects, from a LAN to a dead target */
	ABI_BOUNDS_LIFETIME, /* 10 ms … 24 h: connections */
	ABI_BOUNDS_MAX
};

/* In nanoseconds: [bounds][bucket], 16 finite ones each. */
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

/* Buckets are not cumulative; the count is their sum. A value equal to a bound is in that bound's bucket (le). */
struct abi_histogram {
	__u64 buckets[ABI_HISTOGRAM_BUCKETS];
	__u64 sum_ns;
};

/* ---- what is counted, by proxy ---- */

/* One byte, as all enums that are members: a dump then has their words. */
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
 * The socket's error at SYN_SENT → CLOSE: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNRESET, none or
 * ECONNABORTED (somebody here gave up), the rest.
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

enum abi_loss {
	ABI_LOSS_RECURSION,    /* an event that neither copy of a tracepoint program saw, found by reconciliation */
	ABI_LOSS_OUT_OF_ORDER, /* a segment of a dialogue or of DNS that came before its predecessor and could not be
				  read */
	ABI_LOSS_INSERT,       /* a full map */
	ABI_LOSS_DELETE,       /* -EBUSY and the like; never -ENOENT */
	ABI_LOSS_PARSE,	  /* what cannot be read: a dialogue (GSSAPI, IP fragments, longer than the parser's bound), a
			     query without a header, DNS over a TCP connection that began before us */
	ABI_LOSS_RESERVE, /* a full ring buffer */
	ABI_LOSS_NETNS_TABLE, /* a full bucket of the netns table: that proxy's sockets are not seen */
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

/* Where DNS messages pass: through the tunnel, or by any other interface but lo. */
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

enum abi_handshake { ABI_HANDSHAKE_SENT, ABI_HANDSHAKE_RECEIVED, ABI_HANDSHAKE_MAX } __attribute__((packed));

struct handshake_counts {
	__u64 sent;
	__u64 received;
};

/* Of one tunnel, by its place in struct proxy. */
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

/* Map `counters`: slot → this. Only ever grows, but for the gauges (active, pending, streams). */
struct proxy_counters {
	__u64 client_connections;
	__s64 client_active;
	struct request_counts requests;
	__u64 successes;
	struct failure_counts failures;
	__u64 upstream_connects;
	__s64 upstream_active;
	__s64 upstream_pending; /* SYN sent, no answer yet */
	__s64 dns_pending;	/* entries of the map of that name */
	__s64 dns_streams;
	struct upstream_failure_counts upstream_failures;
	struct side_counts retransmits;
	struct loss_counts losses;
	__u64 leaked_connections;
	__u64 leaked_dns;
	__u64 requests_unattributed; /* with clients on: of those that have no place among them */
	struct outcome_histograms request_duration;
	struct abi_histogram connection_duration;
	struct abi_histogram upstream_connect_duration;
	struct dns_paths dns;
	struct handshake_counters handshakes[ABI_TUNNELS_MAX];
};

enum abi_family { ABI_FAMILY_IPV4, ABI_FAMILY_IPV6, ABI_FAMILY_MAX };
enum abi_protocol { ABI_PROTOCOL_TCP, ABI_PROTOCOL_UDP, ABI_PROTOCOL_ICMP, ABI_PROTOCOL_OTHER, ABI_PROTOCOL_MAX };
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

/* Map `tunnels`: slot × ABI_TUNNELS_MAX + the tunnel's place in struct proxy → this, per CPU. */
struct tunnel_counters {
	struct direction_traffic traffic;
	struct direction_counts last_jiffies;
	struct direction_counts other; /* bytes to and from addresses that are no destination of their own */
};

#define ABI_TRAFFIC(counters, direction, family, protocol) \
	ABI_AT(struct traffic, (counters)->traffic,        \
	       ((direction)*ABI_FAMILY_MAX + (family)) * ABI_PROTOCOL_MAX + (protocol))

/* ---- where we are ---- */

/* A tunnel keeps its place, and so its counts, when it is deleted and comes again: it is known by its name. */
struct proxy_tunnel {
	char name[ABI_INTERFACE_SIZE]; /* "": the place is free */
	__u32 ifindex;		       /* 0: it is not there now */
	__u16 listen_port;	       /* WireGuard's, of the last reading of its device; 0: unknown */
	__u16 reserved;
	__u64 unwatched_ns; /* for so long it may have carried packets that nobody counted, when it had been made anew
			     */
};

/* Map `proxies`: slot → this. Written by the collector. */
struct proxy {
	char name[ABI_NAME_SIZE];
	__u32 netns_inode;	    /* 0: the slot is free */
	__u32 generation;	    /* of the slot: another one for each proxy that has it */
	__u16 ports[ABI_PORTS_MAX]; /* SOCKS listeners, host order, 0 ends the list */
	struct proxy_tunnel tunnels[ABI_TUNNELS_MAX];
	__u32 underlay_ifindex[ABI_INTERFACES_MAX];
	__u64 retired_bytes; /* of tunnels that gave their place to another */
	struct direction_counts retired_other;
	__u64 netns_cookie; /* never used twice before a reboot; 0: the kernel has none (before 5.14) */
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
 * In rodata: a network that leaks may go to. Both in the order of the wire, IPv4 mapped; the address has no bit outside
 * of the mask.
 */
#define ABI_LEAK_ALLOW_MAX 16
struct leak_network {
	__u64 address[2];
	__u64 mask[2];
};

/*
 * skb->cb[4] as the stub leaves it: slot (of a tunnel: its index in `tunnels`), L2 header length, and what it calls
 * (enum abi_packet_program), by which those that are called on know where the packet is.
 */
#define ABI_STUB_SLOT(cb) ((cb)&0xffff)
#define ABI_STUB_L2(cb) (((cb) >> 16) & 0xff)
#define ABI_STUB_PROGRAM(cb) ((cb) >> 24)
#define ABI_STUB_CB(slot, l2, program) ((__u32)(slot) | (__u32)(l2) << 16 | (__u32)(program) << 24)

/* Indices of the PROG_ARRAY `packet_programs`; the tracepoints have an array of one each. */
enum abi_packet_program {
	/* What stubs call. */
	ABI_PACKET_TUNNEL_RECEIVE,
	ABI_PACKET_TUNNEL_TRANSMIT,
	ABI_PACKET_UNDERLAY_INGRESS, /* on lo, at egress: both directions */
	ABI_PACKET_UNDERLAY_EGRESS,
	/* What these call; empty where the collector is off. */
	ABI_PACKET_DIALOGUE_INGRESS,
	ABI_PACKET_DIALOGUE_EGRESS,
	ABI_PACKET_DNS_UDP,
	ABI_PACKET_DNS_TCP,
	ABI_PACKET_HANDSHAKE,
	ABI_PACKET_MAX
};

/* ---- sessions ---- */

/* IPv4 addresses are mapped (::ffff:a.b.c.d); ports in host order. */
struct session_key {
	__u8 client[16];
	__u8 server[16];
	__u16 client_port;
	__u16 server_port;
	__u16 slot;
	__u16 generation; /* low bits of the slot's */
};

/* The state of one side of a SOCKS dialogue, by stream offset (0 is the first byte after the SYN). */
struct dialogue_side {
	__u32 isn;  /* sequence number of offset 0 */
	__u32 next; /* first offset not yet read */
	__u16 skip; /* bytes of the current field that are still to be passed over */
	__u8 state; /* enum of bpf/socks.h; 0 at the start */
	__u8 flags; /* DIALOGUE_… */
};
#define DIALOGUE_DONE 1u /* nothing more is to be read on this side */
#define DIALOGUE_LOST 2u /* read in part: a segment came out of order, or it cannot be read */

struct dialogue {
	struct dialogue_side client; /* written at ingress */
	enum abi_command command;    /* ingress */
	__u8 requested;		     /* ingress (or egress when the client's side was lost): counted as request */
	__u8 malformed; /* ingress: an event of bpf/socks.h: no SOCKS, or no request after a right negotiation */
	__u8 reserved1;
	__u64 request_ns;	     /* ingress: when the last byte of the request came */
	struct dialogue_side server; /* written at egress */
	__u8 method;		     /* egress: chosen authentication method */
	__u8 verdict;		     /* egress: see bpf/socks.h */
	__u8 pending;		     /* egress: the verdict waits for CLOSE, since the client had sent its FIN */
	__u8 settled;		     /* egress, CLOSE: outcome counted */
	__u64 reply_ns;		     /* egress: when the pending reply left */
	__u32 reply_end;	     /* egress: stream offset after the byte that decided */
	__u32 reserved2;
};

enum session_closer { SESSION_OPEN, SESSION_CLOSED_BY_CLIENT, SESSION_CLOSED_BY_SERVER } __attribute__((packed));

/*
 * Map `sessions`: client connections.
 *
 * The lock is for the client's side of the dialogue, whose segments may be read on two CPUs at once: each reads without
 * it, and writes what it read only if nobody has written meanwhile. Segments that overtook others wait in `held`.
 */
#define ABI_HELD_SEGMENT_MAX 32 /* the longest segment that is held */
#define ABI_HELD_MAX 40		/* and all that is held */
struct session {
	struct bpf_spin_lock lock;
	__u32 retransmits; /* of the socket's total_retrans, those that are counted */
	__u64 socket;	   /* struct sock * in the kernel: identity, never dereferenced */
	__u64 opened_ns;   /* CLOCK_MONOTONIC; 0: it began before us */
	struct dialogue dialogue;
	enum session_closer closer; /* who sent the first FIN */
	__u8 adopted;		    /* it began before us: its dialogue is unknown */
	__u8 closed;		    /* nothing is counted any more */
	__u8 held_length;	    /* of what waits */
	__u32 held_start;	    /* its stream offset */
	__u8 held_filled;	    /* as many bytes of it are written */
	__u8 reserved[5];
	__u16 seen;					/* round of the last reconciliation that met it */
	__u8 held[ABI_HELD_MAX + ABI_HELD_SEGMENT_MAX]; /* the verifier sees no sum of place and length */
};

/* Map `early`: what was read of a connection before its session was there. */
struct early_dialogue {
	__u64 begun_ns;
	struct dialogue dialogue;
};

enum upstream_way { UPSTREAM_WAY_NONE, UPSTREAM_WAY_TUNNEL, UPSTREAM_WAY_UNDERLAY } __attribute__((packed));

/* Map `upstreams`: struct sock * → this. */
struct upstream {
	__u64 started_ns;
	__u16 slot;
	__u16 generation;
	__u32 retransmits;
	__u8 established;
	enum upstream_way way; /* where its first SYN left */
	__u8 reserved[4];
	__u16 seen; /* as in struct session */
};

/* ---- DNS ---- */

#define ABI_DNS_TIMEOUT_NS ABI_S(5) /* a query without an answer by then is unanswered */

/* A TCP connection without a segment for so long is forgotten; one that opens or closes, sooner (a SYN is sent again
 * after 64 s at most). */
#define ABI_DNS_STREAM_IDLE_NS ABI_S(600)
#define ABI_DNS_STREAM_HALF_NS ABI_S(70)
#define ABI_DNS_TURNS 16 /* queries with the same key at the same time */

/*
 * Whom a query belongs to; IPv4 mapped, the port in host order (the server's is 53). An answer has the same key, or it
 * is none. Of a TCP connection: id and turn 0.
 */
struct dns_key {
	__u8 client[16];
	__u8 server[16];
	__u16 client_port;
	__u16 id; /* as read: the first byte is the higher */
	__u16 slot;
	__u16 generation; /* low bits of the slot's */
	enum abi_path path;
	__u8 tcp;
	__u8 turn; /* the same query again while the first waits: the next free number */
	__u8 reserved;
};

/* Map `dns_pending`: queries that wait for their answer. Whose delete succeeds counts how it ended. */
struct dns_pending {
	__u64 asked_ns;
};

/*
 * Map `dns_seen`: a query beside the tunnel → where and when it last passed, since what leaves by a VLAN, a bridge or a
 * bond leaves by what lies below it too. A hint: it may be evicted.
 */
#define ABI_DNS_SEEN_MAX 512
#define ABI_DNS_WAY_NS 100000000ULL /* from the one interface to the other; sooner than anybody asks again */
struct dns_seen {
	__u64 passed_ns;
	__u32 ifindex;
	__u32 reserved;
};

/* One direction of a TCP connection, by stream offset (0 is the first byte after the SYN). */
struct dns_side {
	__u32 isn;  /* sequence number of offset 0 */
	__u32 next; /* first offset not yet read */
	__u64 word; /* where in a message that is: see bpf/dns.h */
	/* What overtook other segments, from its first byte to its last: passed by, since a rest may be all of it. */
	__u32 ahead_start;
	__u32 ahead_end;
	__u8 known; /* the SYN was seen */
	__u8 lost;  /* counted as a loss: nothing more is read */
	__u8 ended; /* all up to its FIN was read */
	__u8 reserved[5];
};

/* Map `dns_streams`: TCP connections to port 53. The lock is for all of it: segments may be read on two CPUs. */
enum dns_direction { DNS_QUERIES, DNS_ANSWERS, DNS_DIRECTION_MAX };
struct dns_sides {
	struct dns_side queries;
	struct dns_side answers;
};
struct dns_stream {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u64 opened_ns; /* identity: a freed value may be used again under a program that looks at it */
	__u64 last_ns;	 /* the last segment */
	struct dns_sides sides;
};

/* Map `handshakes`: an initiation that was sent → when. A hint: it may be evicted, and then has no duration. */
#define ABI_HANDSHAKES_MAX 1024
struct handshake_key {
	__u32 index; /* the sender's, as it stands in the message */
	__u16 slot;
	__u16 generation; /* low bits of the slot's */
};

/*
 * Map `handshakes_seen`: a message → the interface that counted it, since what leaves by a VLAN or a bridge leaves by
 * the interface below it too.
 */
struct handshake_seen_key {
	__u32 sender; /* indices as they stand in the message */
	__u32 receiver;
	__u16 slot;
	__u16 generation;
	__u16 type; /* of the message */
	enum abi_handshake direction;
	__u8 reserved;
};

/*
 * Map `handshakes_unclaimed`: a local port that is no device's → what passed there. A device that has changed its port
 * is found when it is next asked; then these are its own. What nobody claims is not the proxy's.
 */
#define ABI_UNCLAIMED_MAX 64
struct unclaimed_key {
	__u16 slot;
	__u16 generation; /* low bits of the slot's */
	__u16 port;
	__u16 reserved;
};
struct unclaimed_handshakes {
	struct handshake_counters counters;
	__u64 begun_ns;
};

/* Ring buffer `events`: rare events that make the collector look at once. */
enum abi_event { ABI_EVENT_LISTEN = 1, ABI_EVENT_LISTEN_END };
/* Whose process it is that begins to listen. */
enum abi_server {
	ABI_SERVER_NONE,    /* not a SOCKS server's */
	ABI_SERVER_UNKNOWN, /* a SOCKS server's: which of its processes, this kernel does not tell (before 5.11) */
	ABI_SERVER_FIRST,   /* its first: a listener for clients */
	ABI_SERVER_CHILD,   /* another one: a client's BIND */
};
#define ABI_SLOT_NONE 0xffffffffu /* a namespace that nobody watches: a proxy may have begun there */
struct event {
	__u32 kind; /* enum abi_event */
	__u32 slot;
	__u32 netns_inode;
	__u16 port;
	__u16 by_server; /* enum abi_server */
};

/*
 * Map `windows`: slot → the requests total at the end of each second, for rates over the last minute; written by the
 * collector.
 */
#define ABI_WINDOW_SECONDS 64
struct window_sample {
	__u64 second; /* CLOCK_MONOTONIC, 0: none yet */
	__u64 requests;
};
struct window {
	struct window_sample samples[ABI_WINDOW_SECONDS]; /* at second % ABI_WINDOW_SECONDS */
};

/*
 * Map `rates`: slot → totals at equal steps of CLOCK_MONOTONIC, for what is said of the last minutes; written by the
 * collector. They begin at 0 with the ring and never fall: `ahead` is what the counter has more than the ring's total.
 * Counts are the low 32 bits: only their differences are used.
 */
#define ABI_RATE_SECONDS 640 /* 10 minutes in steps of 1 s, and what a window needs before */
#define ABI_RATE_STEPS 64    /* 5 minutes in steps of 5 s, the same */
#define ABI_RATE_STEP_SECONDS 5
struct rate_counts {
	__u32 successes;
	__u32 failures;
	__u32 closed;			       /* client connections */
	__u32 connects[ABI_HISTOGRAM_BUCKETS]; /* upstream, by time */
	__u64 closed_ns;		       /* their lifetimes */
};
struct rate_totals {
	__u64 received; /* inner bytes, of all tunnels */
	struct rate_counts counts;
};
struct rates {
	__u32 generation; /* of the slot */
	__u32 reserved;
	__u64 begun_ns; /* 0: nothing is remembered */
	__u64 read_ns;	/* when `last` was read */
	struct rate_totals last;
	struct rate_totals ahead;
	__u64 received[ABI_RATE_SECONDS];	   /* at second % ABI_RATE_SECONDS */
	struct rate_counts counts[ABI_RATE_STEPS]; /* at step % ABI_RATE_STEPS */
};

/*
 * Map `clients`: slot → requests by the client's address, in the order in which they first came; all others are in
 * requests_unattributed of the counters. An array that is looked through, not a hash: the bound is its length.
 */
#define ABI_CLIENTS_MAX 50
struct client_requests {
	__u8 address[16] __attribute__((aligned(8)));
	__u64 requests;
};
struct client_table {
	struct bpf_spin_lock lock;
	__u32 used;
	struct client_requests clients[ABI_CLIENTS_MAX];
};

/*
 * ---- destinations ----
 *
 * Map `destinations`: slot × buckets of a proxy + abi_destination_hash(address) & (buckets of a proxy - 1) → this. One
 * look-up in an array (2 ns; in a hash 40) finds both who is counted and who may come to be. The collector writes
 * `ways`' addresses, in order and never again, and takes from `candidates`; the programs do the rest.
 */
#define ABI_DESTINATION_WAYS 6
#define ABI_CANDIDATE_WAYS 4
#define ABI_DESTINATIONS_MAX 10000 /* of --destinations.max */

struct destination_count {
	__u8 address[16] __attribute__((aligned(8))); /* 0: free, and so are those behind it */
	struct direction_counts bytes;
};

/* The heaviest of those that are not counted on their own: by a vote of bytes, so that the light ones wear down. */
struct destination_candidate {
	__u8 address[16] __attribute__((aligned(8)));
	__u64 weight;
};

struct destination_bucket {
	struct destination_count ways[ABI_DESTINATION_WAYS];
	struct destination_candidate candidates[ABI_CANDIDATE_WAYS];
};

static inline __u32 abi_destination_hash(__u64 high, __u64 low)
{
	__u64 h = high * 0x9E3779B97F4A7C15ULL ^ low * 0xC2B2AE3D27D4EB4FULL;

	h ^= h >> 29;
	h *= 0x165667B19E3779F9ULL;
	return (__u32)(h >> 36);
}

/* Map `destination_entries`: slot × --destinations.max + order of promotion → this. The collector's alone. */
#define ABI_DESTINATION_LABEL_SIZE 256
#define ABI_COUNTRY_SIZE 8
struct destination_entry {
	__u8 address[16] __attribute__((aligned(8))); /* 0: free */
	__u32 place;				      /* bucket of the proxy × ABI_DESTINATION_WAYS + way */
	__u32 series;				      /* the first entry with this label */
	struct direction_counts since;		      /* what it had counted when it came to this country */
	char country[ABI_COUNTRY_SIZE];		      /* "": not looked up yet */
	char label[ABI_DESTINATION_LABEL_SIZE];
};

/* Map `destination_countries`: slot × ABI_COUNTRIES_MAX + n → bytes of destinations that moved elsewhere since. */
#define ABI_COUNTRIES_MAX 256
struct destination_country {
	char code[ABI_COUNTRY_SIZE]; /* "": free */
	struct direction_counts bytes;
};

/* Ring buffer `answers`: DNS messages in the tunnel, for the names of destinations. Longer ones are cut. */
#define ABI_ANSWERS_BYTES 131072
#define ABI_ANSWER_MAX 1232 /* the usual limit of EDNS (dnsflagday.net/2020) */
struct answer {
	__u8 peer[16]; /* the resolver; IPv4 mapped */
	__u32 slot;
	__u16 port;	/* ours, host order */
	__u8 direction; /* enum abi_direction: an answer, or the question */
	__u8 reserved;
	__u32 length;
	__u8 message[ABI_ANSWER_MAX];
	__u32 reserved2;
};

#define ABI_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), #type " changed: that is a new ABI_LAYOUT")
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
ABI_ASSERT_SIZE(dns_seen, 16);
ABI_ASSERT_SIZE(handshake_counters, 176);
ABI_ASSERT_SIZE(unclaimed_handshakes, 184);
ABI_ASSERT_SIZE(proxy_counters, 2240);
ABI_ASSERT_SIZE(tunnel_counters, 288);
ABI_ASSERT_SIZE(proxy, 296);
ABI_ASSERT_SIZE(netns_bucket, 32);
ABI_ASSERT_SIZE(leak_network, 32);
ABI_ASSERT_SIZE(session_key, 40);
ABI_ASSERT_SIZE(dialogue, 56);
ABI_ASSERT_SIZE(session, 168);
ABI_ASSERT_SIZE(early_dialogue, 64);
ABI_ASSERT_SIZE(upstream, 24);
ABI_ASSERT_SIZE(dns_key, 44);
ABI_ASSERT_SIZE(dns_pending, 8);
ABI_ASSERT_SIZE(dns_stream, 88);
ABI_ASSERT_SIZE(handshake_key, 8);
ABI_ASSERT_SIZE(handshake_seen_key, 16);
ABI_ASSERT_SIZE(event, 16);
ABI_ASSERT_SIZE(rate_counts, 88);
ABI_ASSERT_SIZE(rates, 10968);
ABI_ASSERT_SIZE(client_table, 1208);
ABI_ASSERT_SIZE(destination_bucket, 288);
ABI_ASSERT_SIZE(destination_entry, 304);
ABI_ASSERT_SIZE(destination_country, 24);
ABI_ASSERT_SIZE(answer, 1264);

#endif
