// SPDX-License-Identifier: Apache-2.0
#include "lib/config/option.h"

#include <stddef.h>

#define SWITCH(field) .read = read_switch, .data = offsetof(struct config, field)

#define ON_WORD "on"
#define OFF_WORD "off"
#define COLLECTOR_FLAG(id, name, on, help_, ...)     \
	{ .flag = "collector." #name,                \
	  .group = OPTION_GROUP_COLLECTORS,          \
	  .help = help_ " (default: " on##_WORD ")", \
	  .read = read_collector,                    \
	  .data = COLLECTOR_##id },

const struct option_row OPTION_ROWS[] = {
	{ "mode", "MODE", OPTION_GROUP_PROXY,
	  "sidecar: watch the proxy of this network namespace; node: watch every proxy of the host "
	  "(default: sidecar)",
	  read_mode },
	{ "proxy.name", "NAME", OPTION_GROUP_PROXY,
	  "Value of the label proxy_name (default: the hostname)", read_proxy_name,
	  .legacy = "PROXY_NAME", .read_legacy = read_proxy_name },
	{ "proxy.interface", "GLOB", OPTION_GROUP_PROXY,
	  "Names of tunnel interfaces (default: wg0)", read_interface },
	{ "proxy.port", "PORT,...", OPTION_GROUP_PROXY,
	  "Ports of the SOCKS listener (default: discovered)", read_ports, .legacy = "SOCKS5_PORT",
	  .read_legacy = read_ports },
	{ "proxy.process", "NAME,...", OPTION_GROUP_PROXY,
	  "Names of SOCKS server processes (default: danted,sockd)", read_processes },
	{ "proxies.max", "N", OPTION_GROUP_PROXY,
	  "Maximum number of proxies, node mode only (default: 500)", read_proxies_max },
	COLLECTORS(COLLECTOR_FLAG) /* one row for each */
	{ "cost.per-gigabyte", "PRICE", OPTION_GROUP_VALUES,
	  "Price of 10^9 bytes with an optional currency, as in 0.05EUR; without one, USD "
	  "(default: none)",
	  read_cost, .legacy = "PROXY_COST_PER_GB", .read_legacy = read_cost },
	{ "leak.allow", "CIDR,...", OPTION_GROUP_VALUES,
	  "Networks that are reached outside the tunnel on purpose, such as the resolver of the "
	  "WireGuard endpoint: not counted as leaks (default: none)",
	  read_leak_allow },
	{ "destinations.max", "N", OPTION_GROUP_VALUES,
	  "Destinations with their own series, for each proxy (default: 100)",
	  read_destinations_max },
	{ "destinations.label", "WHAT", OPTION_GROUP_VALUES,
	  "Label destinations by address, or by name: the first one queried in DNS (default: "
	  "address)",
	  read_destinations_label },
	{ "geoip.database", "PATH", OPTION_GROUP_VALUES,
	  "MMDB file with the country of each destination (default: none)", read_geoip_database },

	{ "bpf.pin", "PATH", OPTION_GROUP_BPF,
	  "Directory in a bpffs for pinned maps and links, or none (default: /sys/fs/bpf/wgsocks)",
	  read_pin_path },
	{ "bpf.attach", "HOW", OPTION_GROUP_BPF,
	  "How to attach programs to interfaces: auto, tcx or clsact (default: auto)",
	  read_attach },
	{ "detach", NULL, OPTION_GROUP_BPF,
	  "Remove all pins, links and filters of this instance, then exit", SWITCH(detach) },

	{ "web.listen-address", "ADDRESS", OPTION_GROUP_WEB,
	  "HOST:PORT of the metrics port, repeatable (default: :9090)", read_metrics_address,
	  .legacy = "METRICS_PORT", .read_legacy = read_metrics_port },
	{ "web.telemetry-path", "PATH", OPTION_GROUP_WEB,
	  "URL path of the metrics (default: /metrics)", read_telemetry_path },
	{ "web.config.file", "PATH", OPTION_GROUP_WEB,
	  "File in the format of exporter-toolkit with TLS, client certificates, passwords and "
	  "headers (default: none)",
	  read_web_config_file },
	{ "web.config.wait", NULL, OPTION_GROUP_WEB,
	  "Start without that file if it does not exist yet; until it is valid, serve only the "
	  "exporter's own metrics (default: off)",
	  SWITCH(web_config_wait) },
	{ "web.max-requests", "N", OPTION_GROUP_WEB,
	  "Maximum number of concurrent scrapes, 503 above; 0: no limit (default: 40)",
	  read_max_requests },

	{ "health.listen-address", "ADDRESS", OPTION_GROUP_HEALTH,
	  "HOST:PORT of the health port (default: :9999)", read_health_address,
	  .legacy = "HEALTH_PORT", .read_legacy = read_health_port },
	{ "health.enabled", NULL, OPTION_GROUP_HEALTH, "Answer probes (default: on)",
	  SWITCH(health_enabled), .legacy = "ENABLE_HEALTH_PROBE", .read_legacy = read_switch },
	{ "health.require-vpn", NULL, OPTION_GROUP_HEALTH,
	  "Answer 503 at / while a proxy has no usable tunnel (default: off)",
	  SWITCH(health_require_vpn) },

	{ "log.level", "LEVEL", OPTION_GROUP_LOG,
	  "Lowest level to log: debug, info, warn or error (default: info)", read_log_level },
	{ "log.format", "FORMAT", OPTION_GROUP_LOG, "Log format: logfmt or json (default: logfmt)",
	  read_log_format },
};

const unsigned int OPTION_COUNT = sizeof(OPTION_ROWS) / sizeof(OPTION_ROWS[0]);

_Static_assert(sizeof(OPTION_ROWS) / sizeof(OPTION_ROWS[0]) <= 64,
	       "the parser has one bit for each option in a uint64_t");
