/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of collectors. Flags (--[no-]collector.NAME), names, defaults, readers and the loaded
 * parts of the BPF programs derive from it.
 */
#pragma once

/*
 * X(ID, name, default, help, source)
 * name: the flag, the value of the label `collector`, and the reader, samples_<name>.
 * default: ON or OFF.
 * source: USERSPACE, or BPF(parts). A part exists only while one of its collectors is on. PROGRAM
 * is a packet program (enum abi_packet_program); without a row, it always runs. SWITCH is a
 * variable in rodata. MAP is a map.
 * A file that expands a column defines these words.
 */
#define COLLECTORS(X)                                                                           \
	X(INTERFACE, interface, ON, "Bytes and packets in the tunnel", BPF())                   \
	X(REQUESTS, requests, ON, "SOCKS requests and their outcome", BPF())                    \
	X(SESSIONS, sessions, ON, "Client and upstream connections", BPF())                     \
	X(WIREGUARD, wireguard, ON, "State of the tunnel and its peers", USERSPACE)             \
	X(HANDSHAKES, handshakes, ON, "WireGuard handshakes on the underlay",                   \
	  BPF(PROGRAM(HANDSHAKE) SWITCH(handshakes_enabled)))                                   \
	X(DNS, dns, ON, "DNS queries and answers",                                              \
	  BPF(PROGRAM(DNS_UDP) PROGRAM(DNS_TCP) SWITCH(dns_enabled) SWITCH(dns_counted)))       \
	X(LEAKS, leaks, ON, "Connections and DNS queries outside the tunnel",                   \
	  BPF(PROGRAM(DNS_UDP) PROGRAM(DNS_TCP) SWITCH(dns_enabled) SWITCH(leaks_enabled)))     \
	X(COMPAT, compat, ON, "Success rate, latency and speed of the last minutes",            \
	  BPF(MAP(rates)))                                                                      \
	X(CLIENTS, clients, OFF, "Requests by client address; personal data",                   \
	  BPF(MAP(clients) SWITCH(clients_enabled)))                                            \
	X(DESTINATIONS, destinations, OFF, "Bytes by destination; personal data",               \
	  BPF(PROGRAM(DNS_UDP) /* for their names */ SWITCH(destinations_enabled)))             \
	X(GEOIP, geoip, ON, "Bytes by country; needs --geoip.database and destinations", BPF()) \
	X(COST, cost, ON, "Price of a gigabyte; needs --cost.per-gigabyte", USERSPACE)

/* The bit of each collector in masks. */
#define COLLECTOR_ID_(id, ...) COLLECTOR_##id,
enum config_collector { COLLECTORS(COLLECTOR_ID_) COLLECTOR_MAX };
#undef COLLECTOR_ID_

_Static_assert(COLLECTOR_MAX <= 31, "a mask has 32 bits, and SNAPSHOT_HISTORY is one of them");

/* Masks: all collectors, and those that are on by default. */
#define COLLECTOR_ON_ 1u
#define COLLECTOR_OFF_ 0u
#define COLLECTOR_DEFAULT_BIT_(id, name, on, ...) | COLLECTOR_##on##_ << COLLECTOR_##id
enum {
	COLLECTOR_ALL = (1u << COLLECTOR_MAX) - 1,
	COLLECTOR_DEFAULT = 0 COLLECTORS(COLLECTOR_DEFAULT_BIT_),
};

/* The name of a collector ("interface"); NULL for COLLECTOR_MAX and above. */
const char *config_collector_name(unsigned int collector);
