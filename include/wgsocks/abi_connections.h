/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the maps hold of connections and messages: client sessions, the server's connects, DNS queries, WireGuard's
 * handshakes. A part of abi.h, which includes it.
 */
#ifndef WGSOCKS_ABI_CONNECTIONS_H
#define WGSOCKS_ABI_CONNECTIONS_H

#include "wgsocks/abi.h"

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
	__u8 state; /* enum of bpf/parse/socks.h; 0 at the start */
	__u8 flags; /* DIALOGUE_… */
};
#define DIALOGUE_DONE 1u /* nothing more is to be read on this side */
#define DIALOGUE_LOST 2u /* read in part: a segment came out of order, or it cannot be read */

struct dialogue {
	struct dialogue_side client; /* written at ingress */
	enum abi_command command;    /* ingress */
	__u8 requested;		     /* ingress (or egress when the client's side was lost): counted as request */
	__u8 malformed; /* ingress: an event of bpf/parse/socks.h: no SOCKS, or no request after a right negotiation */
	__u8 reserved1;
	__u64 request_ns;	     /* ingress: when the last byte of the request came */
	struct dialogue_side server; /* written at egress */
	__u8 method;		     /* egress: chosen authentication method */
	__u8 verdict;		     /* egress: see bpf/parse/socks.h */
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
	__u64 word; /* where in a message that is: see bpf/parse/dns.h */
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

ABI_ASSERT_SIZE(dns_seen, 16);
ABI_ASSERT_SIZE(unclaimed_handshakes, 184);
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

#endif
