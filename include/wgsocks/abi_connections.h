/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries that live as long as a connection or a message: client sessions, upstream connections,
 * DNS queries, WireGuard handshakes. Part of abi.h, which includes this header.
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
#define DIALOGUE_DONE 1u /* nothing more is read on this side */
#define DIALOGUE_LOST 2u /* read in part: a segment came out of order or cannot be read */

/*
 * The state of a SOCKS dialogue. Each comment names the program that writes the member: ingress
 * reads the client, egress reads the server, CLOSE is the end of the socket. Times are
 * CLOCK_MONOTONIC in ns.
 */
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
 * The lock protects the client's side of the dialogue: two CPUs may read its segments at once. Each
 * CPU reads without the lock. It records the result under the lock, unless the other has recorded
 * meanwhile. Segments that arrive before their predecessor are held in `held`.
 */
#define ABI_HELD_SEGMENT_MAX 32 /* the longest segment that is held */
#define ABI_HELD_MAX 40		/* all held bytes */
struct session {
	struct bpf_spin_lock lock;
	__u32 retransmits; /* part of the socket's total_retrans that is counted */
	__u64 socket;	   /* struct sock *: identity, never dereferenced */
	__u64 opened_ns;   /* CLOCK_MONOTONIC; 0: adopted */
	struct dialogue dialogue;
	enum session_closer closer; /* the side that sent the first FIN */
	__u8 adopted;		    /* began before the programs were attached: no dialogue */
	__u8 closed;		    /* nothing more is counted */
	__u8 held_length;	    /* number of bytes in `held`, reserved ones included */
	__u32 held_start;	    /* stream offset of the first */
	__u8 held_filled;	    /* number of bytes in `held` that are loaded */
	__u8 reserved[5];
	__u16 seen; /* round of the last reconciliation that found the socket */
	/* Longer than ABI_HELD_MAX: the verifier does not know the sum of offset and length. */
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
	enum upstream_way way; /* kind of interface by which the first SYN left */
	__u8 reserved[4];
	__u16 seen; /* as in struct session */
};

/* ---- DNS ---- */

#define ABI_DNS_TIMEOUT_NS ABI_S(5) /* after this time a query counts as unanswered */

/*
 * Idle time after which a stream is deleted. IDLE is for established streams, HALF for streams that
 * open or close: the kernel repeats a SYN after at most 64 s.
 */
#define ABI_DNS_STREAM_IDLE_NS ABI_S(600)
#define ABI_DNS_STREAM_HALF_NS ABI_S(70)
#define ABI_DNS_TURNS 16 /* pending queries with the same key */

/*
 * Identifies a query; an answer has the key of its query. Addresses are IPv4 mapped, the port is in
 * host order, and the server's port is 53. In `dns_streams`, `id` and `turn` are 0.
 */
struct dns_key {
	__u8 client[16];
	__u8 server[16];
	__u16 client_port;
	__u16 id; /* host order */
	__u16 slot;
	__u16 generation; /* low bits of the slot's generation */
	enum abi_path path;
	__u8 tcp;
	__u8 turn; /* number among pending queries with the same key */
	__u8 reserved;
};

/*
 * Map `dns_pending`: queries without an answer yet. Whichever side deletes the entry counts the end
 * of the query.
 */
struct dns_pending {
	__u64 asked_ns;
};

/*
 * Map `dns_seen`: a query outside the tunnel → interface and time at which it last passed. A packet
 * that leaves by a VLAN, a bridge or a bond also passes the interface below it, but counts once.
 * Entries may be evicted.
 */
#define ABI_DNS_SEEN_MAX 512
/* Longer than the way between two interfaces, shorter than the time between two queries. */
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
	__u64 word; /* DNS_WORD of bpf/parse/dns.h: position in the current message */
	/*
	 * Range of segments that arrived before their predecessor. It is skipped if it has only the
	 * rest of a message.
	 */
	__u32 ahead_start;
	__u32 ahead_end;
	__u8 known; /* the SYN was seen */
	__u8 lost;  /* a loss was counted: nothing more is read */
	__u8 ended; /* all data up to its FIN was read */
	__u8 reserved[5];
};

/*
 * Map `dns_streams`: TCP connections to port 53. The lock protects all members: two CPUs may read
 * segments at once.
 */
enum dns_direction { DNS_QUERIES, DNS_ANSWERS, DNS_DIRECTION_MAX };
struct dns_sides {
	struct dns_side queries;
	struct dns_side answers;
};
struct dns_stream {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u64 opened_ns; /* identity: a freed value may be reused while a program reads it */
	__u64 last_ns;	 /* time of the last segment */
	struct dns_sides sides;
};

/*
 * Map `handshakes`: a sent initiation → its time (CLOCK_MONOTONIC, ns). If an entry is evicted, the
 * duration of that handshake is not counted.
 */
#define ABI_HANDSHAKES_MAX 1024
struct handshake_key {
	__u32 index; /* the sender's index, in the byte order of the message */
	__u16 slot;
	__u16 generation; /* low bits of the slot's generation */
};

/*
 * Map `handshakes_seen`: a message → ifindex of the interface that counted it. A message that
 * leaves by a VLAN or a bridge also passes the interface below it, but counts once.
 */
struct handshake_seen_key {
	__u32 sender; /* both indices in the byte order of the message */
	__u32 receiver;
	__u16 slot;
	__u16 generation;
	__u16 type; /* type byte of the message */
	enum abi_handshake direction;
	__u8 reserved;
};

/*
 * Map `handshakes_unclaimed`: a local port of no known device → its handshake messages. If a device
 * turns out to have this port, after a change of its port, the counts are added to the device.
 * After 30 s without such a device, the collector deletes the entry (sweep.c).
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
