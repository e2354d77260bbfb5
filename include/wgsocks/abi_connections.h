/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries that live as long as a connection or a message: client sessions, upstream connections,
 * DNS queries, WireGuard handshakes. A part of abi.h, which includes it.
 */
#pragma once

#include <wgsocks/abi.h>

/* ---- sessions ---- */

/* IPv4 addresses are mapped (::ffff:a.b.c.d); ports in host order. */
struct session_key {
	__u8 client[16];
	__u8 server[16];
	__u16 client_port;
	__u16 server_port;
	__u16 slot;
	__u16 generation; /* low bits of the slot's generation */
};

/* One side of a SOCKS dialogue, by stream offset (0 is the first byte after the SYN). */
struct dialogue_side {
	__u32 isn;  /* sequence number of offset 0 */
	__u32 next; /* first offset not yet read */
	__u16 skip; /* bytes of the current field that remain to be skipped */
	__u8 state; /* enum of bpf/parse/socks.h; 0 at the start */
	__u8 flags; /* DIALOGUE_… */
};
#define DIALOGUE_DONE 1u /* nothing more is to be read on this side */
#define DIALOGUE_LOST 2u /* read in part: a segment came out of order or cannot be read */

struct dialogue {
	struct dialogue_side client; /* written at ingress */
	enum abi_command command;    /* ingress */
	__u8 requested;		     /* ingress (egress if the client's side is lost): counted */
	__u8 malformed;		     /* ingress: event of bpf/parse/socks.h, or 0 */
	__u8 reserved1;
	__u64 request_ns;	     /* ingress: when the last byte of the request came */
	struct dialogue_side server; /* written at egress */
	__u8 method;		     /* egress: chosen authentication method */
	__u8 verdict;		     /* egress: see bpf/parse/socks.h */
	__u8 pending;		     /* egress: the client sent its FIN, so CLOSE decides */
	__u8 settled;		     /* egress, CLOSE: the outcome is counted */
	__u64 reply_ns;		     /* egress: when the pending reply left */
	__u32 reply_end;	     /* egress: stream offset after the byte that decided */
	__u32 reserved2;
};

enum session_closer {
	SESSION_OPEN,
	SESSION_CLOSED_BY_CLIENT,
	SESSION_CLOSED_BY_SERVER,
} __attribute__((packed));

/*
 * Map `sessions`: client connections.
 *
 * The lock protects the client's side of the dialogue, whose segments may be read on two CPUs at
 * once. Each CPU reads without it and records the result under it, unless the other has recorded
 * meanwhile. Segments that came before their predecessor wait in `held`.
 */
#define ABI_HELD_SEGMENT_MAX 32 /* the longest segment that is held */
#define ABI_HELD_MAX 40		/* all held bytes */
struct session {
	struct bpf_spin_lock lock;
	__u32 retransmits; /* of the socket's total_retrans: counted so far */
	__u64 socket;	   /* struct sock *: identity, never dereferenced */
	__u64 opened_ns;   /* CLOCK_MONOTONIC; 0: it began before the programs were attached */
	struct dialogue dialogue;
	enum session_closer closer; /* who sent the first FIN */
	__u8 adopted;		    /* it began before us: its dialogue is unknown */
	__u8 closed;		    /* nothing more is counted */
	__u8 held_length;	    /* held bytes */
	__u32 held_start;	    /* their stream offset */
	__u8 held_filled;	    /* held bytes that are loaded */
	__u8 reserved[5];
	__u16 seen; /* round of the last reconciliation that found it */
	/* Longer than needed: the verifier does not know the sum of offset and length. */
	__u8 held[ABI_HELD_MAX + ABI_HELD_SEGMENT_MAX];
};

/* Map `early`: data of a connection that was read before its session existed. */
struct early_dialogue {
	__u64 begun_ns;
	struct dialogue dialogue;
};

enum upstream_way {
	UPSTREAM_WAY_NONE,
	UPSTREAM_WAY_TUNNEL,
	UPSTREAM_WAY_UNDERLAY,
} __attribute__((packed));

/* Map `upstreams`: struct sock * → this. */
struct upstream {
	__u64 started_ns;
	__u16 slot;
	__u16 generation;
	__u32 retransmits;
	__u8 established;
	enum upstream_way way; /* kind of the interface by which the first SYN left */
	__u8 reserved[4];
	__u16 seen; /* as in struct session */
};

/* ---- DNS ---- */

#define ABI_DNS_TIMEOUT_NS ABI_S(5) /* a query without an answer by then is unanswered */

/*
 * When an idle TCP connection is forgotten: an established one, and one that opens or closes (a SYN
 * is sent again after 64 s at most).
 */
#define ABI_DNS_STREAM_IDLE_NS ABI_S(600)
#define ABI_DNS_STREAM_HALF_NS ABI_S(70)
#define ABI_DNS_TURNS 16 /* pending queries with the same key */

/*
 * The query that a message belongs to: an answer has the key of its query. IPv4 mapped, the port in
 * host order (the server's is 53). For a TCP connection id and turn are 0.
 */
struct dns_key {
	__u8 client[16];
	__u8 server[16];
	__u16 client_port;
	__u16 id; /* as read: the first byte is the higher */
	__u16 slot;
	__u16 generation; /* low bits of the slot's generation */
	enum abi_path path;
	__u8 tcp;
	__u8 turn; /* number among pending queries with the same key */
	__u8 reserved;
};

/*
 * Map `dns_pending`: queries that wait for their answer. The side whose delete succeeds counts the
 * end.
 */
struct dns_pending {
	__u64 asked_ns;
};

/*
 * Map `dns_seen`: a query outside the tunnel → where and when it last passed. A packet that leaves
 * by a VLAN, a bridge or a bond leaves by the interface below it too. An entry may be evicted.
 */
#define ABI_DNS_SEEN_MAX 512
/* Longer than from one interface to the other, shorter than between two queries. */
#define ABI_DNS_SEEN_NS ABI_MS(100)
struct dns_seen {
	__u64 passed_ns;
	__u32 ifindex;
	__u32 reserved;
};

/* One direction of a TCP connection, by stream offset (0 is the first byte after the SYN). */
struct dns_side {
	__u32 isn;  /* sequence number of offset 0 */
	__u32 next; /* first offset not yet read */
	__u64 word; /* position in the current message: see bpf/parse/dns.h */
	/*
	 * Range of segments that came before their predecessor: skipped if they hold only the rest
	 * of a message.
	 */
	__u32 ahead_start;
	__u32 ahead_end;
	__u8 known; /* the SYN was seen */
	__u8 lost;  /* counted as a loss: nothing more is read */
	__u8 ended; /* all data up to its FIN was read */
	__u8 reserved[5];
};

/*
 * Map `dns_streams`: TCP connections to port 53. The lock protects all fields: segments may be read
 * on two CPUs.
 */
enum dns_direction { DNS_QUERIES, DNS_ANSWERS, DNS_DIRECTION_MAX };
struct dns_sides {
	struct dns_side queries;
	struct dns_side answers;
};
struct dns_stream {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u64 opened_ns; /* identity: the kernel may reuse a freed value while a program reads it */
	__u64 last_ns;	 /* time of the last segment */
	struct dns_sides sides;
};

/*
 * Map `handshakes`: a sent initiation → its time. An entry may be evicted, and then has no
 * duration.
 */
#define ABI_HANDSHAKES_MAX 1024
struct handshake_key {
	__u32 index; /* the sender's, as in the message */
	__u16 slot;
	__u16 generation; /* low bits of the slot's generation */
};

/*
 * Map `handshakes_seen`: a message → the interface that counted it. A message that leaves by a VLAN
 * or a bridge leaves by the interface below it too.
 */
struct handshake_seen_key {
	__u32 sender; /* indices as in the message */
	__u32 receiver;
	__u16 slot;
	__u16 generation;
	__u16 type; /* of the message */
	enum abi_handshake direction;
	__u8 reserved;
};

/*
 * Map `handshakes_unclaimed`: a local port of no known device → what passed there. If a device
 * turns out to have that port (it has changed), the counts become its own. Otherwise they are not
 * the proxy's.
 */
#define ABI_UNCLAIMED_MAX 64
struct unclaimed_key {
	__u16 slot;
	__u16 generation; /* low bits of the slot's generation */
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
