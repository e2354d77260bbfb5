/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The closed sets of label values, one table each: X(enumerator, word). A table gives the enum, the
 * struct of counters and the label values in the exposition. The words are the members of the
 * struct, so bpftool prints them. A new row or a new order needs a new ABI_LAYOUT. Part of abi.h,
 * which includes this header.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Turn a row into an enumerator, or into a counter. */
#define ABI_ENUMERATOR(id, word) id,
#define ABI_COUNT(id, word) __u64 word;

/* An enum that is a member is packed into one byte; with its type, bpftool prints its name. */
#define ABI_COMMANDS(X)                             \
	X(ABI_COMMAND_CONNECT, connect)             \
	X(ABI_COMMAND_BIND, bind)                   \
	X(ABI_COMMAND_UDP_ASSOCIATE, udp_associate) \
	X(ABI_COMMAND_UNKNOWN, unknown)
enum abi_command { ABI_COMMANDS(ABI_ENUMERATOR) ABI_COMMAND_MAX } __attribute__((packed));
struct request_counts {
	ABI_COMMANDS(ABI_COUNT)
};

/* The first eight are the reply codes 1 … 8 of RFC 1928, section 6. */
#define ABI_FAILURES(X)                                                       \
	X(ABI_FAILURE_GENERAL, general_failure)                               \
	X(ABI_FAILURE_NOT_ALLOWED, not_allowed)                               \
	X(ABI_FAILURE_NETWORK_UNREACHABLE, network_unreachable)               \
	X(ABI_FAILURE_HOST_UNREACHABLE, host_unreachable)                     \
	X(ABI_FAILURE_CONNECTION_REFUSED, connection_refused)                 \
	X(ABI_FAILURE_TTL_EXPIRED, ttl_expired)                               \
	X(ABI_FAILURE_COMMAND_NOT_SUPPORTED, command_not_supported)           \
	X(ABI_FAILURE_ADDRESS_TYPE_NOT_SUPPORTED, address_type_not_supported) \
	X(ABI_FAILURE_NO_ACCEPTABLE_METHOD, no_acceptable_method)             \
	X(ABI_FAILURE_AUTH_FAILED, auth_failed)                               \
	X(ABI_FAILURE_CLIENT_ABORT, client_abort)                             \
	X(ABI_FAILURE_SERVER_ABORT, server_abort)                             \
	X(ABI_FAILURE_PROTOCOL_ERROR, protocol_error)                         \
	X(ABI_FAILURE_OTHER, other)
enum abi_failure { ABI_FAILURES(ABI_ENUMERATOR) ABI_FAILURE_MAX };
struct failure_counts {
	ABI_FAILURES(ABI_COUNT)
};

/*
 * By the socket's error at SYN_SENT → CLOSE, in this order: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH,
 * ENETUNREACH, ECONNRESET, none or ECONNABORTED (ended on this host), any other.
 */
#define ABI_UPSTREAM_FAILURES(X)                                 \
	X(ABI_UPSTREAM_REFUSED, refused)                         \
	X(ABI_UPSTREAM_TIMED_OUT, timed_out)                     \
	X(ABI_UPSTREAM_HOST_UNREACHABLE, host_unreachable)       \
	X(ABI_UPSTREAM_NETWORK_UNREACHABLE, network_unreachable) \
	X(ABI_UPSTREAM_RESET, reset)                             \
	X(ABI_UPSTREAM_ABORTED, aborted)                         \
	X(ABI_UPSTREAM_OTHER, other)
enum abi_upstream_failure { ABI_UPSTREAM_FAILURES(ABI_ENUMERATOR) ABI_UPSTREAM_MAX };
struct upstream_failure_counts {
	ABI_UPSTREAM_FAILURES(ABI_COUNT)
};

#define ABI_SIDES(X)               \
	X(ABI_SIDE_CLIENT, client) \
	X(ABI_SIDE_UPSTREAM, upstream)
enum abi_side { ABI_SIDES(ABI_ENUMERATOR) ABI_SIDE_MAX };
struct side_counts {
	ABI_SIDES(ABI_COUNT)
};

/*
 * Events that were not counted, by cause:
 *
 * - recursion: neither copy of a tracepoint program saw an event; reconciliation found this.
 * - out_of_order: a segment of a dialogue or of DNS came before its predecessor and was not read.
 * - insert: a map was full.
 * - delete: a delete failed with an error other than -ENOENT.
 * - parse: a dialogue cannot be read (GSSAPI, IP fragments, longer than the parser's limit), or a
 *   query is too short for a header. Or DNS over TCP came in IP fragments, or over a connection
 *   that began before the programs were attached.
 * - reserve: a ring buffer was full.
 * - netns_table: a bucket of the map `netns` was full, so the sockets of a proxy are not seen.
 */
#define ABI_LOSSES(X)                          \
	X(ABI_LOSS_RECURSION, recursion)       \
	X(ABI_LOSS_OUT_OF_ORDER, out_of_order) \
	X(ABI_LOSS_INSERT, insert)             \
	X(ABI_LOSS_DELETE, delete)             \
	X(ABI_LOSS_PARSE, parse)               \
	X(ABI_LOSS_RESERVE, reserve)           \
	X(ABI_LOSS_NETNS_TABLE, netns_table)   \
	X(ABI_LOSS_OTHER, other)
enum abi_loss { ABI_LOSSES(ABI_ENUMERATOR) ABI_LOSS_MAX };
struct loss_counts {
	ABI_LOSSES(ABI_COUNT)
};

/* How a request ended. */
#define ABI_OUTCOMES(X)                 \
	X(ABI_OUTCOME_SUCCESS, success) \
	X(ABI_OUTCOME_FAILURE, failure)
enum abi_outcome { ABI_OUTCOMES(ABI_ENUMERATOR) ABI_OUTCOME_MAX };

/* The path of a DNS message: through the tunnel, or by any other interface except lo. */
#define ABI_PATHS(X)               \
	X(ABI_PATH_TUNNEL, tunnel) \
	X(ABI_PATH_UNDERLAY, underlay)
enum abi_path { ABI_PATHS(ABI_ENUMERATOR) ABI_PATH_MAX } __attribute__((packed));

/* QTYPE of the first question: RFC 1035, 3596, 2782, 9460. */
#define ABI_DNS_TYPES(X)        \
	X(ABI_DNS_A, a)         \
	X(ABI_DNS_AAAA, aaaa)   \
	X(ABI_DNS_CNAME, cname) \
	X(ABI_DNS_MX, mx)       \
	X(ABI_DNS_TXT, txt)     \
	X(ABI_DNS_SRV, srv)     \
	X(ABI_DNS_PTR, ptr)     \
	X(ABI_DNS_NS, ns)       \
	X(ABI_DNS_SOA, soa)     \
	X(ABI_DNS_SVCB, svcb)   \
	X(ABI_DNS_HTTPS, https) \
	X(ABI_DNS_ANY, any)     \
	X(ABI_DNS_OTHER, other)
enum abi_dns_type { ABI_DNS_TYPES(ABI_ENUMERATOR) ABI_DNS_TYPE_MAX };
struct dns_type_counts {
	ABI_DNS_TYPES(ABI_COUNT)
};

/* RCODE of RFC 1035, section 4.1.1. */
#define ABI_DNS_RCODES(X)             \
	X(ABI_DNS_NOERROR, noerror)   \
	X(ABI_DNS_NXDOMAIN, nxdomain) \
	X(ABI_DNS_SERVFAIL, servfail) \
	X(ABI_DNS_REFUSED, refused)   \
	X(ABI_DNS_RCODE_OTHER, other)
enum abi_dns_rcode { ABI_DNS_RCODES(ABI_ENUMERATOR) ABI_DNS_RCODE_MAX };
struct dns_rcode_counts {
	ABI_DNS_RCODES(ABI_COUNT)
};

/* The direction of a handshake message, seen from the proxy. */
#define ABI_HANDSHAKES(X)           \
	X(ABI_HANDSHAKE_SENT, sent) \
	X(ABI_HANDSHAKE_RECEIVED, received)
enum abi_handshake { ABI_HANDSHAKES(ABI_ENUMERATOR) ABI_HANDSHAKE_MAX } __attribute__((packed));
struct handshake_counts {
	ABI_HANDSHAKES(ABI_COUNT)
};

/* IP version and transport protocol of a packet. */
#define ABI_FAMILIES(X)          \
	X(ABI_FAMILY_IPV4, ipv4) \
	X(ABI_FAMILY_IPV6, ipv6)
enum abi_family { ABI_FAMILIES(ABI_ENUMERATOR) ABI_FAMILY_MAX };

#define ABI_PROTOCOLS(X)           \
	X(ABI_PROTOCOL_TCP, tcp)   \
	X(ABI_PROTOCOL_UDP, udp)   \
	X(ABI_PROTOCOL_ICMP, icmp) \
	X(ABI_PROTOCOL_OTHER, other)
enum abi_protocol { ABI_PROTOCOLS(ABI_ENUMERATOR) ABI_PROTOCOL_MAX };

/* A direction is not a label; it is part of the name of a family. */
#define ABI_DIRECTIONS(X)       \
	X(ABI_RECEIVE, receive) \
	X(ABI_TRANSMIT, transmit)
enum abi_direction { ABI_DIRECTIONS(ABI_ENUMERATOR) ABI_DIRECTION_MAX };
struct direction_counts {
	ABI_DIRECTIONS(ABI_COUNT)
};
