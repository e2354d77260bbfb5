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
	  "sidecar: watch the network namespace that this runs in; node: every SOCKS proxy of the "
	  "machine (default: sidecar)",
	  read_mode },
	{ "proxy.name", "NAME", OPTION_GROUP_PROXY,
	  "Value of the label proxy_name (default: the hostname)", read_proxy_name,
	  .legacy = "PROXY_NAME", .read_legacy = read_proxy_name },
	{ "proxy.interface", "GLOB", OPTION_GROUP_PROXY, "Tunnel interface (default: wg0)",
	  read_interface },
	{ "proxy.port", "PORT,...", OPTION_GROUP_PROXY,
	  "Ports of the SOCKS listener (default: discovered)", read_ports, .legacy = "SOCKS5_PORT",
	  .read_legacy = read_ports },
	{ "proxy.process", "NAME,...", OPTION_GROUP_PROXY,
	  "Names of SOCKS server processes (default: danted,sockd)", read_processes },
	{ "proxies.max", "N", OPTION_GROUP_PROXY,
	  "Proxies that are watched at most, in node mode (default: 500)", read_proxies_max },
	COLLECTORS(COLLECTOR_FLAG) /* a row each */
	{ "cost.per-gigabyte", "PRICE", OPTION_GROUP_VALUES,
	  "Price of 10^9 bytes and its currency (USD when left out), as in 0.05EUR (default: none)",
	  read_cost, .legacy = "PROXY_COST_PER_GB", .read_legacy = read_cost },
	{ "leak.allow", "CIDR,...", OPTION_GROUP_VALUES,
	  "Networks that nothing leaks to: the resolver of WireGuard's endpoint (default: none)",
	  read_leak_allow },
	{ "destinations.max", "N", OPTION_GROUP_VALUES,
	  "Destinations with series of their own, for each proxy (default: 100)",
	  read_destinations_max },
	{ "destinations.label", "WHAT", OPTION_GROUP_VALUES,
	  "address, or name: the first by which a client asked for it (default: address)",
	  read_destinations_label },
	{ "geoip.database", "PATH", OPTION_GROUP_VALUES,
	  "MMDB file with the countries of destinations (default: none)", read_geoip_database },

	{ "bpf.pin", "PATH", OPTION_GROUP_BPF,
	  "Folder in a bpffs for maps and links, or none (default: /sys/fs/bpf/wgsocks)",
	  read_pin_path },
	{ "bpf.attach", "HOW", OPTION_GROUP_BPF, "auto, tcx or clsact (default: auto)",
	  read_attach },
	{ "detach", NULL, OPTION_GROUP_BPF,
	  "Remove every pin, link and filter of this program, then exit", SWITCH(detach) },

	{ "web.listen-address", "ADDRESS", OPTION_GROUP_WEB,
	  "HOST:PORT of the metrics, repeatable (default: :9090)", read_metrics_address,
	  .legacy = "METRICS_PORT", .read_legacy = read_metrics_port },
	{ "web.telemetry-path", "PATH", OPTION_GROUP_WEB, "Path of the metrics (default: /metrics)",
	  read_telemetry_path },
	{ "web.config.file", "PATH", OPTION_GROUP_WEB,
	  "TLS, client certificates, passwords, headers: a file in exporter-toolkit's format "
	  "(default: none)",
	  read_web_config_file },
	{ "web.config.wait", NULL, OPTION_GROUP_WEB,
	  "Start without that file where it is not there yet; until it is, nothing of a proxy is "
	  "served (default: off)",
	  SWITCH(web_config_wait) },
	{ "web.max-requests", "N", OPTION_GROUP_WEB,
	  "Scrapes at a time, 503 above; 0: no limit (default: 40)", read_max_requests },

	{ "health.listen-address", "ADDRESS", OPTION_GROUP_HEALTH,
	  "HOST:PORT of the probes (default: :9999)", read_health_address, .legacy = "HEALTH_PORT",
	  .read_legacy = read_health_port },
	{ "health.enabled", NULL, OPTION_GROUP_HEALTH, "Answer probes (default: on)",
	  SWITCH(health_enabled), .legacy = "ENABLE_HEALTH_PROBE", .read_legacy = read_switch },
	{ "health.require-vpn", NULL, OPTION_GROUP_HEALTH,
	  "Answer 503 at / while the tunnel is not up (default: off)", SWITCH(health_require_vpn) },

	{ "log.level", "LEVEL", OPTION_GROUP_LOG, "debug, info, warn or error (default: info)",
	  read_log_level },
	{ "log.format", "FORMAT", OPTION_GROUP_LOG, "logfmt or json (default: logfmt)",
	  read_log_format },
};

const unsigned int OPTION_COUNT = sizeof(OPTION_ROWS) / sizeof(OPTION_ROWS[0]);

_Static_assert(sizeof(OPTION_ROWS) / sizeof(OPTION_ROWS[0]) <= 64,
	       "the parser keeps a bit for each in 64");
