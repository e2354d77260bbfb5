/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all families. Readers add samples by these ids; the exposition, --help-metrics, the
 * docs and the tests read the rows. CONTRIBUTING.md describes how to add a family.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

#define METRIC_LABELS_MAX 5

/*
 * X(id, name, type, unit, LABELS(…), help): unit is "" if there is none; labels are in the order of
 * sample.labels. The help says what is counted, the unit, and when the family is absent.
 */
#define METRIC_FAMILIES(X)                                                                         \
	/* the legacy exporter */                                                                  \
	X(PROXY_INFO, "proxy_info", GAUGE, "", LABELS("proxy_name"),                               \
	  "Always 1 while the network namespace of the proxy exists.")                             \
	X(PROXY_BYTES, "proxy_bytes_transferred_total", COUNTER, "bytes", LABELS("proxy_name"),    \
	  "Inner bytes received and sent through the tunnels of the proxy (IP length of each "     \
	  "segment). Continues when a tunnel is recreated.")                                       \
	X(PROXY_REQUESTS_FAILED, "proxy_requests_failed_total", COUNTER, "", LABELS("proxy_name"), \
	  "SOCKS requests that ended without a success reply. Equals the sum of "                  \
	  "proxy_request_failures_total.")                                                         \
	X(PROXY_ACTIVE, "proxy_active_connections", GAUGE, "", LABELS("proxy_name"),               \
	  "Client TCP connections to the SOCKS server that are open now.")                         \
	X(PROXY_REQUEST_RATE, "proxy_request_rate_permin", GAUGE, "", LABELS("proxy_name"),        \
	  "SOCKS requests received in the last 60 seconds (sliding, in steps of 1 second).")       \
	X(VPN_STATUS, "vpn_connection_status", GAUGE, "", LABELS("proxy_name"),                    \
	  "1 if a tunnel of the proxy is usable (state up, idle or never; or interface up if "     \
	  "its WireGuard device cannot be read), otherwise 0.")                                    \
	/* requests and sessions */                                                                \
	X(PROXY_LISTENER_UP, "proxy_listener_up", GAUGE, "", LABELS("proxy_name"),                 \
	  "1 if the SOCKS server listens, otherwise 0. All ports of --proxy.port must have a "     \
	  "listener.")                                                                             \
	X(PROXY_REQUESTS_SUCCESSFUL, "proxy_requests_successful_total", COUNTER, "",               \
	  LABELS("proxy_name"), "SOCKS requests that ended with a success reply.")                 \
	X(PROXY_REQUESTS, "proxy_requests_total", COUNTER, "", LABELS("proxy_name", "command"),    \
	  "SOCKS requests received, by command. At rest, equals successful plus failed "           \
	  "requests.")                                                                             \
	X(PROXY_REQUEST_FAILURES, "proxy_request_failures_total", COUNTER, "",                     \
	  LABELS("proxy_name", "reason"),                                                          \
	  "SOCKS requests that ended without a success reply, by reason.")                         \
	X(PROXY_REQUEST_DURATION, "proxy_request_duration_seconds", HISTOGRAM, "seconds",          \
	  LABELS("proxy_name", "outcome"),                                                         \
	  "Time from the SOCKS request of the client to the reply of the server, in seconds.")     \
	X(PROXY_CLIENT_CONNECTIONS, "proxy_client_connections_total", COUNTER, "",                 \
	  LABELS("proxy_name"), "Client TCP connections that the SOCKS server accepted.")          \
	X(PROXY_CONNECTION_DURATION, "proxy_connection_duration_seconds", HISTOGRAM, "seconds",    \
	  LABELS("proxy_name"),                                                                    \
	  "Lifetime of client connections in seconds, observed when a connection closes.")         \
	X(PROXY_UPSTREAM_CONNECTS, "proxy_upstream_connects_total", COUNTER, "",                   \
	  LABELS("proxy_name"), "Upstream TCP connects that the SOCKS server started.")            \
	X(PROXY_UPSTREAM_FAILURES, "proxy_upstream_connect_failures_total", COUNTER, "",           \
	  LABELS("proxy_name", "reason"),                                                          \
	  "Upstream TCP connects that were not established, by reason.")                           \
	X(PROXY_UPSTREAM_DURATION, "proxy_upstream_connect_duration_seconds", HISTOGRAM,           \
	  "seconds", LABELS("proxy_name"),                                                         \
	  "Time from the SYN of an upstream connect until the connection is established, in "      \
	  "seconds.")                                                                              \
	X(PROXY_UPSTREAM_ACTIVE, "proxy_upstream_active_connections", GAUGE, "",                   \
	  LABELS("proxy_name"),                                                                    \
	  "Upstream connections that are established now. Connections from before the exporter "   \
	  "first watched the proxy are not included.")                                             \
	X(PROXY_RETRANSMITS, "proxy_tcp_retransmits_total", COUNTER, "",                           \
	  LABELS("proxy_name", "side"),                                                            \
	  "TCP segments retransmitted, by side (client or upstream connection).")                  \
	/* tunnel */                                                                               \
	X(VPN_RECEIVE_BYTES, "vpn_interface_receive_bytes_total", COUNTER, "bytes",                \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner bytes received from the tunnel, by IP version and protocol.")                     \
	X(VPN_TRANSMIT_BYTES, "vpn_interface_transmit_bytes_total", COUNTER, "bytes",              \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner bytes sent into the tunnel, by IP version and protocol.")                         \
	X(VPN_RECEIVE_PACKETS, "vpn_interface_receive_packets_total", COUNTER, "",                 \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner packets received from the tunnel, by IP version and protocol.")                   \
	X(VPN_TRANSMIT_PACKETS, "vpn_interface_transmit_packets_total", COUNTER, "",               \
	  LABELS("proxy_name", "interface", "family", "protocol"),                                 \
	  "Inner packets sent into the tunnel, by IP version and protocol.")                       \
	X(VPN_UNWATCHED, "vpn_interface_unwatched_seconds_total", COUNTER, "seconds",              \
	  LABELS("proxy_name", "interface"),                                                       \
	  "Time in seconds during which a recreated tunnel may have carried packets that no "      \
	  "program counted.")                                                                      \
	X(VPN_INTERFACE_UP, "vpn_interface_up", GAUGE, "", LABELS("proxy_name", "interface"),      \
	  "1 if the tunnel interface exists and is up, otherwise 0.")                              \
	X(VPN_TUNNEL_STATE, "vpn_tunnel_state", GAUGE, "",                                         \
	  LABELS("proxy_name", "interface", "state"),                                              \
	  "1 for the current state of the tunnel (no_interface: missing or down), 0 for all "      \
	  "other states. Absent if the WireGuard device cannot be read.")                          \
	X(VPN_PEER_INFO, "vpn_peer_info", GAUGE, "",                                               \
	  LABELS("proxy_name", "interface", "public_key", "peer_address", "allowed_ips"),          \
	  "Always 1; the labels are the address of the peer (without the port) and its allowed "   \
	  "IPs.")                                                                                  \
	X(VPN_PEER_RECEIVE_BYTES, "vpn_peer_receive_bytes_total", COUNTER, "bytes",                \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Bytes received from the peer, as WireGuard counts them.")                               \
	X(VPN_PEER_TRANSMIT_BYTES, "vpn_peer_transmit_bytes_total", COUNTER, "bytes",              \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Bytes sent to the peer, as WireGuard counts them.")                                     \
	X(VPN_PEER_HANDSHAKE, "vpn_peer_last_handshake_timestamp_seconds", GAUGE, "seconds",       \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Unix time of the last handshake with the peer, in seconds. Absent before the first "    \
	  "handshake.")                                                                            \
	X(VPN_PEER_KEEPALIVE, "vpn_peer_persistent_keepalive_seconds", GAUGE, "seconds",           \
	  LABELS("proxy_name", "interface", "public_key"),                                         \
	  "Persistent keepalive interval of the peer in seconds; 0 if it is off.")                 \
	/* handshakes */                                                                           \
	X(VPN_HANDSHAKE_INITIATIONS, "vpn_handshake_initiations_total", COUNTER, "",               \
	  LABELS("proxy_name", "interface", "direction"),                                          \
	  "WireGuard handshake initiations on the underlay, by direction.")                        \
	X(VPN_HANDSHAKE_RESPONSES, "vpn_handshake_responses_total", COUNTER, "",                   \
	  LABELS("proxy_name", "interface", "direction"),                                          \
	  "WireGuard handshake responses on the underlay, by direction.")                          \
	X(VPN_HANDSHAKE_DURATION, "vpn_handshake_duration_seconds", HISTOGRAM, "seconds",          \
	  LABELS("proxy_name", "interface"),                                                       \
	  "Time from a sent handshake initiation to the matching response, in seconds.")           \
	/* DNS */                                                                                  \
	X(DNS_QUERIES, "proxy_dns_queries_total", COUNTER, "",                                     \
	  LABELS("proxy_name", "type", "path"),                                                    \
	  "DNS queries sent, by type and path (tunnel or underlay). At rest, equals responses "    \
	  "plus unanswered queries.")                                                              \
	X(DNS_RESPONSES, "proxy_dns_responses_total", COUNTER, "",                                 \
	  LABELS("proxy_name", "rcode", "path"),                                                   \
	  "DNS responses received within 5 seconds of the query, by response code and path.")      \
	X(DNS_UNANSWERED, "proxy_dns_unanswered_total", COUNTER, "", LABELS("proxy_name", "path"), \
	  "DNS queries without a response within 5 seconds, by path.")                             \
	X(DNS_DURATION, "proxy_dns_query_duration_seconds", HISTOGRAM, "seconds",                  \
	  LABELS("proxy_name", "path"),                                                            \
	  "Time from a DNS query to its response in seconds, by path.")                            \
	/* leaks */                                                                                \
	X(LEAKED_CONNECTIONS, "proxy_leaked_connections_total", COUNTER, "", LABELS("proxy_name"), \
	  "Upstream connects whose first SYN left by an interface other than the tunnel or lo. "   \
	  "Addresses of --leak.allow are not counted.")                                            \
	X(LEAKED_DNS, "proxy_leaked_dns_queries_total", COUNTER, "", LABELS("proxy_name"),         \
	  "DNS queries that left by an interface other than the tunnel or lo. Addresses of "       \
	  "--leak.allow are not counted.")                                                         \
	/* later versions of the legacy exporter */                                                \
	X(COMPAT_SUCCESS_RATE, "proxy_success_rate_percent", GAUGE, "", LABELS("proxy_name"),      \
	  "Share of the SOCKS requests ended in the last 5 minutes (in steps of 5 seconds) "       \
	  "that had a success reply, in percent. 100 if no request ended.")                        \
	X(COMPAT_LATENCY, "proxy_latency_ms", GAUGE, "", LABELS("proxy_name"),                     \
	  "Median time of upstream connects in the last 5 minutes, in milliseconds, "              \
	  "interpolated within the buckets of proxy_upstream_connect_duration_seconds. Absent "    \
	  "without connects.")                                                                     \
	X(COMPAT_SPEED, "proxy_download_speed_mbps", GAUGE, "", LABELS("proxy_name"),              \
	  "Receive rate of the tunnels in the busiest 10 seconds of the last 10 minutes (in "      \
	  "steps of 1 second), in 10^6 bit/s.")                                                    \
	X(COMPAT_DURATION, "proxy_avg_connection_duration_seconds", GAUGE, "seconds",              \
	  LABELS("proxy_name"),                                                                    \
	  "Mean lifetime in seconds of the client connections that closed in the last 5 "          \
	  "minutes (in steps of 5 seconds). Absent if none closed.")                               \
	/* clients and cost */                                                                     \
	X(CLIENT_REQUESTS, "proxy_requests_by_client_total", COUNTER, "",                          \
	  LABELS("proxy_name", "client"),                                                          \
	  "SOCKS requests by client address: the first 50 addresses, then other. The sum "         \
	  "equals proxy_requests_total; absent without --collector.clients.")                      \
	X(COST, "proxy_cost_per_gigabyte", GAUGE, "", LABELS("proxy_name", "currency"),            \
	  "Configured price of a gigabyte (10^9 bytes). Absent if no price is configured.")        \
	/* destinations */                                                                         \
	X(KUBERNETES_INFO, "proxy_kubernetes_info", GAUGE, "",                                     \
	  LABELS("proxy_name", "proxy_namespace", "proxy_pod", "proxy_pod_uid", "proxy_node"),     \
	  "Always 1 for a proxy in a pod, in node mode; the labels are its pod and node. "         \
	  "Absent for other proxies.")                                                             \
	X(DESTINATION_RECEIVE, "proxy_destination_receive_bytes_total", COUNTER, "bytes",          \
	  LABELS("proxy_name", "destination"),                                                     \
	  "Inner bytes received from the tunnel, by destination; destinations without a series "   \
	  "count as other. Absent without --collector.destinations.")                              \
	X(DESTINATION_TRANSMIT, "proxy_destination_transmit_bytes_total", COUNTER, "bytes",        \
	  LABELS("proxy_name", "destination"),                                                     \
	  "Inner bytes sent into the tunnel, by destination; destinations without a series "       \
	  "count as other. Absent without --collector.destinations.")                              \
	X(COUNTRY_RECEIVE, "proxy_destination_country_receive_bytes_total", COUNTER, "bytes",      \
	  LABELS("proxy_name", "country"),                                                         \
	  "Inner bytes received from the tunnel, by country of the destination (ISO 3166); "       \
	  "unknown: not in the database; other: destinations without a series. Absent without "    \
	  "a GeoIP database.")                                                                     \
	X(COUNTRY_TRANSMIT, "proxy_destination_country_transmit_bytes_total", COUNTER, "bytes",    \
	  LABELS("proxy_name", "country"),                                                         \
	  "Inner bytes sent into the tunnel, by country of the destination (ISO 3166); "           \
	  "unknown: not in the database; other: destinations without a series. Absent without "    \
	  "a GeoIP database.")                                                                     \
	/* the exporter itself */                                                                  \
	X(BUILD_INFO, "wgsocks_exporter_build_info", GAUGE, "",                                    \
	  LABELS("version", "revision", "arch", "libbpf"), "Build information; always 1.")         \
	X(PROGRAM_UP, "wgsocks_exporter_program_up", GAUGE, "", LABELS("program"),                 \
	  "1 if the BPF program is loaded and attached, otherwise 0; the log has the reason.")     \
	X(PINNED, "wgsocks_exporter_pinned", GAUGE, "", LABELS(),                                  \
	  "1 if maps and links are pinned and survive a restart of the collector, otherwise 0.")   \
	X(SOURCE_SUCCESS, "wgsocks_exporter_source_success", GAUGE, "",                            \
	  LABELS("proxy_name", "collector"),                                                       \
	  "1 if the last read of the collector succeeded for this proxy, otherwise 0.")            \
	X(ATTACH_MODE, "wgsocks_exporter_attach_mode", GAUGE, "",                                  \
	  LABELS("proxy_name", "interface", "mode"),                                               \
	  "Always 1; the label mode is how programs are attached to the interface: tcx or "        \
	  "clsact. Absent while nothing is attached.")                                             \
	X(COLLECTOR_SUCCESS, "wgsocks_exporter_collector_success", GAUGE, "", LABELS("collector"), \
	  "1 if the last read of the collector succeeded for every proxy, otherwise 0. Samples "   \
	  "of a failed read are absent.")                                                          \
	X(COLLECTOR_DURATION, "wgsocks_exporter_collector_duration_seconds", GAUGE, "seconds",     \
	  LABELS("collector"),                                                                     \
	  "Duration of the last read of the collector for all proxies, in seconds.")               \
	X(EVENTS_LOST, "wgsocks_exporter_events_lost_total", COUNTER, "", LABELS("cause"),         \
	  "Events that were not counted, by cause. Each lost event makes another metric too "      \
	  "low.")                                                                                  \
	X(RECURSION_MISSES, "wgsocks_exporter_recursion_misses_total", COUNTER, "",                \
	  LABELS("program"),                                                                       \
	  "Events that a tracepoint program missed because it was already running on that CPU; "   \
	  "state_a and state_b cover each other. Always 0 before Linux 5.12.")                     \
	X(MAP_ENTRIES, "wgsocks_exporter_map_entries", GAUGE, "", LABELS("map"),                   \
	  "Entries in the BPF map.")                                                               \
	X(MAP_MAX_ENTRIES, "wgsocks_exporter_map_max_entries", GAUGE, "", LABELS("map"),           \
	  "Maximum number of entries in the BPF map.")                                             \
	X(BPF_MEMORY, "wgsocks_exporter_bpf_memory_bytes", GAUGE, "bytes", LABELS(),               \
	  "Kernel memory of the BPF maps and programs of the exporter, in bytes. Absent while "    \
	  "they are not loaded.")                                                                  \
	X(LISTENING, "wgsocks_exporter_listening", GAUGE, "", LABELS("port", "address"),           \
	  "1 if the exporter listens on this address; 0 if it cannot (the log has the reason) "    \
	  "and retries.")                                                                          \
	X(WEB_SUCCESS, "wgsocks_exporter_web_config_last_reload_successful", GAUGE, "", LABELS(),  \
	  "1 if the last reload of --web.config.file succeeded; 0 if it failed: the previous "     \
	  "configuration stays active. Absent without --web.config.file.")                         \
	X(WEB_TIME, "wgsocks_exporter_web_config_last_reload_success_timestamp_seconds", GAUGE,    \
	  "seconds", LABELS(),                                                                     \
	  "Unix time of the last successful reload of --web.config.file, in seconds. Absent "      \
	  "without --web.config.file.")                                                            \
	X(WEB_EXPIRY, "wgsocks_exporter_web_certificate_expiry_timestamp_seconds", GAUGE,          \
	  "seconds", LABELS(),                                                                     \
	  "Unix time at which the certificate of the metrics port expires, in seconds. Absent "    \
	  "without TLS.")                                                                          \
	X(WEB_REFUSED, "wgsocks_exporter_web_requests_refused_total", COUNTER, "",                 \
	  LABELS("reason"),                                                                        \
	  "Requests refused, by reason: no_password, password (wrong), passwords_busy (too "       \
	  "many checks at once), rate_limit, tls (connection ended before a request). Absent "     \
	  "without --web.config.file.")                                                            \
	X(PROCESS_RESTARTS, "wgsocks_exporter_process_restarts_total", COUNTER, "",                \
	  LABELS("process"), "Restarts of the process by the supervisor.")                         \
	X(PROXIES, "wgsocks_exporter_proxies", GAUGE, "", LABELS(),                                \
	  "Proxies that are watched now.")                                                         \
	X(PROXIES_UNWATCHED, "wgsocks_exporter_proxies_unwatched", GAUGE, "", LABELS(),            \
	  "Proxies that were found but are not watched: --proxies.max is reached or a "            \
	  "capability is missing. The log has the reason.")                                        \
	X(LISTENER_EVENTS_SKIPPED, "wgsocks_exporter_listener_events_skipped_total", COUNTER, "",  \
	  LABELS("proxy_name"),                                                                    \
	  "Listener events beyond 16 per second: the exporter searches for listeners once per "    \
	  "second instead, and counts nothing wrong. proxy_name is empty for all namespaces that " \
	  "are not watched.")                                                                      \
	/* standard names */                                                                       \
	X(PROCESS_CPU, "process_cpu_seconds_total", COUNTER, "seconds", LABELS(),                  \
	  "User and system CPU time of all processes of the exporter, ended processes "            \
	  "included, in seconds.")                                                                 \
	X(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, "bytes", LABELS(),             \
	  "Proportional set size (PSS) of all processes of the exporter, in bytes.")               \
	X(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE, "bytes", LABELS(),               \
	  "Virtual memory of all processes of the exporter, in bytes.")                            \
	X(PROCESS_FDS, "process_open_fds", GAUGE, "", LABELS(),                                    \
	  "Open file descriptors of all processes of the exporter.")                               \
	X(PROCESS_MAX_FDS, "process_max_fds", GAUGE, "", LABELS(),                                 \
	  "Maximum number of open file descriptors of one process.")                               \
	X(PROCESS_START_TIME, "process_start_time_seconds", GAUGE, "seconds", LABELS(),            \
	  "Unix time at which the supervisor started, in seconds.")                                \
	X(HTTP_REQUESTS, "promhttp_metric_handler_requests_total", COUNTER, "", LABELS("code"),    \
	  "Scrapes, by HTTP status code.")                                                         \
	X(HTTP_IN_FLIGHT, "promhttp_metric_handler_requests_in_flight", GAUGE, "", LABELS(),       \
	  "Scrapes that are being served now.")

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

/* Returns the row of a family; NULL if the id is too large. */
const struct metric_family *metric_family(unsigned int metric);

/* Returns the word of a # TYPE line: "gauge", "counter" or "histogram". */
const char *metric_type_name(enum metric_type type);

/* Writes the table for --help-metrics: one block for each family. Returns 0 or -EIO. */
int metrics_help_write(FILE *f);

/* Return a value of a closed label set by its enum; NULL if the number is too large. */
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
