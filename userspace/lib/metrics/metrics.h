/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of every family. Readers fill samples by these ids; the exposition, --help-metrics,
 * the docs and the tests read the rows. To add a family, follow CONTRIBUTING.md.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

#define METRIC_LABELS_MAX 5

/*
 * X(id, name, type, unit, LABELS(…), help): unit "" when it has none; labels in the order of a
 * sample's.
 */
#define METRIC_FAMILIES(X)                                                                         \
	/* the legacy exporter's */                                                                \
	X(PROXY_INFO, "proxy_info", GAUGE, "", LABELS("proxy_name"),                               \
	  "1 for as long as the proxy's network namespace lives.")                                 \
	X(PROXY_BYTES, "proxy_bytes_transferred_total", COUNTER, "bytes", LABELS("proxy_name"),    \
	  "Inner bytes received plus sent on the tunnel interface since first seen (IP length "    \
	  "per segment).")                                                                         \
	X(PROXY_REQUESTS_FAILED, "proxy_requests_failed_total", COUNTER, "", LABELS("proxy_name"), \
	  "SOCKS requests that did not end in a success reply; the sum of "                        \
	  "proxy_request_failures_total.")                                                         \
	X(PROXY_ACTIVE, "proxy_active_connections", GAUGE, "", LABELS("proxy_name"),               \
	  "Client TCP connections to the SOCKS listener that are open now.")                       \
	X(PROXY_REQUEST_RATE, "proxy_request_rate_permin", GAUGE, "", LABELS("proxy_name"),        \
	  "SOCKS requests that arrived in the last 60 seconds.")                                   \
	X(VPN_STATUS, "vpn_connection_status", GAUGE, "", LABELS("proxy_name"),                    \
	  "1 when the tunnel is up, idle or was never needed yet.")                                \
	/* requests and sessions */                                                                \
	X(PROXY_LISTENER_UP, "proxy_listener_up", GAUGE, "", LABELS("proxy_name"),                 \
	  "1 while the SOCKS listener is there.")                                                  \
	X(PROXY_REQUESTS_SUCCESSFUL, "proxy_requests_successful_total", COUNTER, "",               \
	  LABELS("proxy_name"), "SOCKS requests that ended in a success reply.")                   \
	X(PROXY_REQUESTS, "proxy_requests_total", COUNTER, "", LABELS("proxy_name", "command"),    \
	  "SOCKS requests received.")                                                              \
	X(PROXY_REQUEST_FAILURES, "proxy_request_failures_total", COUNTER, "",                     \
	  LABELS("proxy_name", "reason"),                                                          \
	  "SOCKS requests that did not end in a success reply, by reason.")                        \
	X(PROXY_REQUEST_DURATION, "proxy_request_duration_seconds", HISTOGRAM, "seconds",          \
	  LABELS("proxy_name", "outcome"),                                                         \
	  "Time from the client's request to the server's reply.")                                 \
	X(PROXY_CLIENT_CONNECTIONS, "proxy_client_connections_total", COUNTER, "",                 \
	  LABELS("proxy_name"), "Client connections accepted.")                                    \
	X(PROXY_CONNECTION_DURATION, "proxy_connection_duration_seconds", HISTOGRAM, "seconds",    \
	  LABELS("proxy_name"), "Lifetime of client connections, observed when they close.")       \
	X(PROXY_UPSTREAM_CONNECTS, "proxy_upstream_connects_total", COUNTER, "",                   \
	  LABELS("proxy_name"), "TCP connects to targets that the SOCKS server began.")            \
	X(PROXY_UPSTREAM_FAILURES, "proxy_upstream_connect_failures_total", COUNTER, "",           \
	  LABELS("proxy_name", "reason"),                                                          \
	  "TCP connects to targets that were not established, by reason.")                         \
	X(PROXY_UPSTREAM_DURATION, "proxy_upstream_connect_duration_seconds", HISTOGRAM,           \
	  "seconds", LABELS("proxy_name"),                                                         \
	  "Time from the SYN of a connect to a target until it is established.")                   \
	X(PROXY_UPSTREAM_ACTIVE, "proxy_upstream_active_connections", GAUGE, "",                   \
	  LABELS("proxy_name"),                                                                    \
	  "Established connections to targets that are open now and began after the exporter "     \
	  "first watched.")                                                                        \
	X(PROXY_RETRANSMITS, "proxy_tcp_retransmits_total", COUNTER, "",                           \
	  LABELS("proxy_name", "side"), "TCP segments sent again, by side.")                       \
	/* tunnel */                                                                               \
	X(VPN_RECEIVE_BYTES, "vpn_interface_receive_bytes_total", COUNTER, "bytes",                \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner bytes that came out of the tunnel.")                                              \
	X(VPN_TRANSMIT_BYTES, "vpn_interface_transmit_bytes_total", COUNTER, "bytes",              \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner bytes sent into the tunnel.")                                                     \
	X(VPN_RECEIVE_PACKETS, "vpn_interface_receive_packets_total", COUNTER, "",                 \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner packets that came out of the tunnel.")                                            \
	X(VPN_TRANSMIT_PACKETS, "vpn_interface_transmit_packets_total", COUNTER, "",               \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner packets sent into the tunnel.")                                                   \
	X(VPN_UNWATCHED, "vpn_interface_unwatched_seconds_total", COUNTER, "seconds",              \
	  LABELS("proxy_name", "interface"),                                                       \
	  "Time in which a tunnel that was made anew may have carried packets that no program "    \
	  "counted.")                                                                              \
	X(VPN_INTERFACE_UP, "vpn_interface_up", GAUGE, "", LABELS("proxy_name", "interface"),      \
	  "1 when the tunnel interface exists and is up.")                                         \
	X(VPN_TUNNEL_STATE, "vpn_tunnel_state", GAUGE, "",                                         \
	  LABELS("proxy_name", "interface", "state"),                                              \
	  "1 for the state that the tunnel is in, 0 for the others; a missing interface or one "   \
	  "that is down is "                                                                       \
	  "no_interface.")                                                                         \
	X(VPN_PEER_INFO, "vpn_peer_info", GAUGE, "",                                               \
	  LABELS("proxy_name", "interface", "public_key", "peer_address", "allowed_ips"),          \
	  "1, with the peer's address (without the port) and what may pass through it.")           \
	X(VPN_PEER_RECEIVE_BYTES, "vpn_peer_receive_bytes_total", COUNTER, "bytes",                \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Bytes received from the peer, by WireGuard's own count.")                               \
	X(VPN_PEER_TRANSMIT_BYTES, "vpn_peer_transmit_bytes_total", COUNTER, "bytes",              \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Bytes sent to the peer, by WireGuard's own count.")                                     \
	X(VPN_PEER_HANDSHAKE, "vpn_peer_last_handshake_timestamp_seconds", GAUGE, "seconds",       \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Time of the last handshake with the peer, since the Unix epoch; absent while there "    \
	  "was none.")                                                                             \
	X(VPN_PEER_KEEPALIVE, "vpn_peer_persistent_keepalive_seconds", GAUGE, "seconds",           \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Interval of the keepalives that are sent to the peer; 0 when they are off.")            \
	/* handshakes */                                                                           \
	X(VPN_HANDSHAKE_INITIATIONS, "vpn_handshake_initiations_total", COUNTER, "",               \
	  LABELS("proxy_name", "interface", "direction"),                                          \
	  "WireGuard handshake initiations seen on the underlay.")                                 \
	X(VPN_HANDSHAKE_RESPONSES, "vpn_handshake_responses_total", COUNTER, "",                   \
	  LABELS("proxy_name", "interface", "direction"),                                          \
	  "WireGuard handshake responses seen on the underlay.")                                   \
	X(VPN_HANDSHAKE_DURATION, "vpn_handshake_duration_seconds", HISTOGRAM, "seconds",          \
	  LABELS("proxy_name", "interface"),                                                       \
	  "Time from a handshake initiation that was sent to the response that matches it.")       \
	/* DNS */                                                                                  \
	X(DNS_QUERIES, "proxy_dns_queries_total", COUNTER, "",                                     \
	  LABELS("proxy_name", "type", "path"),                                                    \
	  "DNS queries that left, by way of the tunnel or beside it; at rest the sum of "          \
	  "responses and unanswered "                                                              \
	  "ones.")                                                                                 \
	X(DNS_RESPONSES, "proxy_dns_responses_total", COUNTER, "",                                 \
	  LABELS("proxy_name", "rcode", "path"), "Answers to these queries within 5 seconds.")     \
	X(DNS_UNANSWERED, "proxy_dns_unanswered_total", COUNTER, "", LABELS("proxy_name", "path"), \
	  "DNS queries without an answer in 5 seconds.")                                           \
	X(DNS_DURATION, "proxy_dns_query_duration_seconds", HISTOGRAM, "seconds",                  \
	  LABELS("proxy_name", "path"), "Time from a DNS query to its answer.")                    \
	/* leaks */                                                                                \
	X(LEAKED_CONNECTIONS, "proxy_leaked_connections_total", COUNTER, "", LABELS("proxy_name"), \
	  "Connects to targets whose first SYN left by an interface that is neither the tunnel "   \
	  "nor lo, except to "                                                                     \
	  "--leak.allow.")                                                                         \
	X(LEAKED_DNS, "proxy_leaked_dns_queries_total", COUNTER, "", LABELS("proxy_name"),         \
	  "DNS queries that left outside the tunnel (not on lo), except to --leak.allow.")         \
	/* the legacy exporter's later ones */                                                     \
	X(COMPAT_SUCCESS_RATE, "proxy_success_rate_percent", GAUGE, "", LABELS("proxy_name"),      \
	  "Of the SOCKS requests that ended in the last 5 minutes (sliding in steps of 5 "         \
	  "seconds), the share that "                                                              \
	  "ended in a success reply; 100 when none ended.")                                        \
	X(COMPAT_LATENCY, "proxy_latency_ms", GAUGE, "", LABELS("proxy_name"),                     \
	  "Median time of connects to targets that were established in the last 5 minutes, in "    \
	  "milliseconds; absent "                                                                  \
	  "without any. Its resolution is the bucket of proxy_upstream_connect_duration_seconds "  \
	  "that holds it, "                                                                        \
	  "within which it is interpolated as histogram_quantile does.")                           \
	X(COMPAT_SPEED, "proxy_download_speed_mbps", GAUGE, "", LABELS("proxy_name"),              \
	  "Inner bytes received from the tunnel in the busiest 10 seconds of the last 10 minutes " \
	  "(steps of 1 "                                                                           \
	  "second), in 10^6 bit/s.")                                                               \
	X(COMPAT_DURATION, "proxy_avg_connection_duration_seconds", GAUGE, "seconds",              \
	  LABELS("proxy_name"),                                                                    \
	  "Mean lifetime of the client connections that closed in the last 5 minutes (sliding in " \
	  "steps of 5 "                                                                            \
	  "seconds); absent without any.")                                                         \
	/* clients and cost */                                                                     \
	X(CLIENT_REQUESTS, "proxy_requests_by_client_total", COUNTER, "",                          \
	  LABELS("proxy_name", "client"),                                                          \
	  "SOCKS requests by the client's address: the first 50 addresses, all others as other; "  \
	  "the sum is that of "                                                                    \
	  "proxy_requests_total.")                                                                 \
	X(COST, "proxy_cost_per_gigabyte", GAUGE, "", LABELS("proxy_name", "currency"),            \
	  "Price of a gigabyte (10^9 bytes) as it was configured; absent when none was.")          \
	/* destinations */                                                                         \
	X(KUBERNETES_INFO, "proxy_kubernetes_info", GAUGE, "",                                     \
	  LABELS("proxy_name", "proxy_namespace", "proxy_pod", "proxy_pod_uid", "proxy_node"),     \
	  "1 for a proxy in a pod, in node mode.")                                                 \
	X(DESTINATION_RECEIVE, "proxy_destination_receive_bytes_total", COUNTER, "bytes",          \
	  LABELS("proxy_name", "destination"),                                                     \
	  "Inner bytes that came out of the tunnel, by where they came from; other: all without "  \
	  "a series of their "                                                                     \
	  "own.")                                                                                  \
	X(DESTINATION_TRANSMIT, "proxy_destination_transmit_bytes_total", COUNTER, "bytes",        \
	  LABELS("proxy_name", "destination"),                                                     \
	  "Inner bytes sent into the tunnel, by destination; other: all without a series of "      \
	  "their own.")                                                                            \
	X(COUNTRY_RECEIVE, "proxy_destination_country_receive_bytes_total", COUNTER, "bytes",      \
	  LABELS("proxy_name", "country"),                                                         \
	  "The same received bytes by country (ISO 3166); unknown: not in the database; other: "   \
	  "of no destination "                                                                     \
	  "with a series of its own.")                                                             \
	X(COUNTRY_TRANSMIT, "proxy_destination_country_transmit_bytes_total", COUNTER, "bytes",    \
	  LABELS("proxy_name", "country"),                                                         \
	  "The same sent bytes by country (ISO 3166); unknown: not in the database; other: of no " \
	  "destination with a "                                                                    \
	  "series of its own.")                                                                    \
	/* about itself */                                                                         \
	X(BUILD_INFO, "wgsocks_exporter_build_info", GAUGE, "",                                    \
	  LABELS("version", "revision", "arch", "libbpf"), "1, with what was built.")              \
	X(PROGRAM_UP, "wgsocks_exporter_program_up", GAUGE, "", LABELS("program"),                 \
	  "1 while the BPF program is loaded and attached.")                                       \
	X(PINNED, "wgsocks_exporter_pinned", GAUGE, "", LABELS(),                                  \
	  "1 when maps and links are pinned and outlive the collector.")                           \
	X(SOURCE_SUCCESS, "wgsocks_exporter_source_success", GAUGE, "",                            \
	  LABELS("proxy_name", "collector"),                                                       \
	  "1 when the collector's last read of this proxy succeeded.")                             \
	X(ATTACH_MODE, "wgsocks_exporter_attach_mode", GAUGE, "",                                  \
	  LABELS("proxy_name", "interface", "mode"),                                               \
	  "1 for how programs are attached to the interface: tcx or clsact.")                      \
	X(COLLECTOR_SUCCESS, "wgsocks_exporter_collector_success", GAUGE, "", LABELS("collector"), \
	  "1 when the collector's last read succeeded for every proxy.")                           \
	X(COLLECTOR_DURATION, "wgsocks_exporter_collector_duration_seconds", GAUGE, "seconds",     \
	  LABELS("collector"), "Time of the collector's last read.")                               \
	X(EVENTS_LOST, "wgsocks_exporter_events_lost_total", COUNTER, "", LABELS("cause"),         \
	  "Events that could not be counted, by cause.")                                           \
	X(RECURSION_MISSES, "wgsocks_exporter_recursion_misses_total", COUNTER, "",                \
	  LABELS("program"),                                                                       \
	  "Events that one copy of a tracepoint program missed since it was interrupted; its "     \
	  "other copy sees them.")                                                                 \
	X(MAP_ENTRIES, "wgsocks_exporter_map_entries", GAUGE, "", LABELS("map"),                   \
	  "Entries in the BPF map.")                                                               \
	X(MAP_MAX_ENTRIES, "wgsocks_exporter_map_max_entries", GAUGE, "", LABELS("map"),           \
	  "Entries that the BPF map can hold.")                                                    \
	X(BPF_MEMORY, "wgsocks_exporter_bpf_memory_bytes", GAUGE, "bytes", LABELS(),               \
	  "Kernel memory of our BPF maps and programs.")                                           \
	X(LISTENING, "wgsocks_exporter_listening", GAUGE, "", LABELS("port", "address"),           \
	  "1 while the exporter listens on this address; 0: it cannot (see the log) and tries "    \
	  "again.")                                                                                \
	X(WEB_SUCCESS, "wgsocks_exporter_web_config_last_reload_successful", GAUGE, "", LABELS(),  \
	  "1 when --web.config.file and what it names were good when last read; 0: what was "      \
	  "before is in force.")                                                                   \
	X(WEB_TIME, "wgsocks_exporter_web_config_last_reload_success_timestamp_seconds", GAUGE,    \
	  "seconds", LABELS(),                                                                     \
	  "When --web.config.file was last read and found good, since the Unix epoch.")            \
	X(WEB_EXPIRY, "wgsocks_exporter_web_certificate_expiry_timestamp_seconds", GAUGE,          \
	  "seconds", LABELS(),                                                                     \
	  "When the certificate of the metrics port expires, since the Unix epoch; absent "        \
	  "without TLS.")                                                                          \
	X(WEB_REFUSED, "wgsocks_exporter_web_requests_refused_total", COUNTER, "",                 \
	  LABELS("reason"),                                                                        \
	  "Requests not let in: no_password, password (a wrong one), passwords_busy (too many "    \
	  "were being checked), "                                                                  \
	  "rate_limit; and connections of TLS that ended before a request (tls).")                 \
	X(PROCESS_RESTARTS, "wgsocks_exporter_process_restarts_total", COUNTER, "",                \
	  LABELS("process"), "Times that the supervisor started a process again.")                 \
	X(PROXIES, "wgsocks_exporter_proxies", GAUGE, "", LABELS(), "Proxies that are watched.")   \
	X(PROXIES_UNWATCHED, "wgsocks_exporter_proxies_unwatched", GAUGE, "", LABELS(),            \
	  "Proxies found that are not watched: more than --proxies.max, or a capability is "       \
	  "missing (see the log).")                                                                \
	/* standard names */                                                                       \
	X(PROCESS_CPU, "process_cpu_seconds_total", COUNTER, "seconds", LABELS(),                  \
	  "User and system CPU time of all processes of the exporter, ended ones included.")       \
	X(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, "bytes", LABELS(),             \
	  "Proportional set size (PSS) of all processes of the exporter.")                         \
	X(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE, "bytes", LABELS(),               \
	  "Virtual memory of all processes of the exporter.")                                      \
	X(PROCESS_FDS, "process_open_fds", GAUGE, "", LABELS(),                                    \
	  "Open file descriptors of all processes of the exporter.")                               \
	X(PROCESS_MAX_FDS, "process_max_fds", GAUGE, "", LABELS(),                                 \
	  "Limit of open file descriptors of one process.")                                        \
	X(PROCESS_START_TIME, "process_start_time_seconds", GAUGE, "seconds", LABELS(),            \
	  "Start time of the supervisor since the Unix epoch.")                                    \
	X(HTTP_REQUESTS, "promhttp_metric_handler_requests_total", COUNTER, "", LABELS("code"),    \
	  "Scrapes by HTTP status code.")                                                          \
	X(HTTP_IN_FLIGHT, "promhttp_metric_handler_requests_in_flight", GAUGE, "", LABELS(),       \
	  "Scrapes that are being answered now.")

#define METRIC_ID_(id, ...) METRIC_##id,
enum metric { METRIC_FAMILIES(METRIC_ID_) METRIC_MAX };
#undef METRIC_ID_

struct metric_family {
	const char *name;
	enum metric_type type;
	const char *unit;
	const char *help;
	unsigned int label_count;
	const char *labels[METRIC_LABELS_MAX];
};

/* The row of a family; NULL beyond the table. */
const struct metric_family *metric_family(unsigned int metric);

/* "gauge", "counter", "histogram": as # TYPE says it. */
const char *metric_type_name(enum metric_type type);

/*
 * The table for people (--help-metrics): a block a family, the columns aligned. Returns 0 or -EIO.
 */
int metrics_help_write(FILE *f);

/* The values of the closed label sets, by the enums of their tables; NULL beyond the last. */
const char *metric_command(unsigned int command);
const char *metric_failure(unsigned int failure);
const char *metric_upstream_failure(unsigned int failure);
const char *metric_side(unsigned int side);
const char *metric_loss(unsigned int loss);
const char *metric_outcome(unsigned int outcome);
const char *metric_network_family(unsigned int family);
const char *metric_protocol(unsigned int protocol);
const char *metric_tunnel_state(unsigned int state);
const char *metric_path(unsigned int path);
const char *metric_dns_type(unsigned int type);
const char *metric_dns_rcode(unsigned int rcode);
const char *metric_handshake(unsigned int direction);
