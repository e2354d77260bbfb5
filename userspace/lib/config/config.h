/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: flags (argp), else environment variables (WGSOCKS_…, then the names of the
 * legacy exporter), else defaults.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/config/collectors.h"
#include "lib/log/log.h"

#define CONFIG_ADDRESSES_MAX 8	 /* listen addresses for the metrics port */
#define CONFIG_PORTS_MAX 8	 /* SOCKS listener ports of one proxy (ABI_PORTS_MAX) */
#define CONFIG_PROCESSES_MAX 4	 /* names of SOCKS server processes */
#define CONFIG_LEAK_ALLOW_MAX 16 /* networks of --leak.allow (ABI_LEAK_ALLOW_MAX) */
#define CONFIG_NAME_SIZE 512	 /* a proxy's name with its NUL */
#define CONFIG_PATH_SIZE 256

enum config_mode { CONFIG_MODE_SIDECAR, CONFIG_MODE_NODE };
enum config_label { CONFIG_LABEL_ADDRESS, CONFIG_LABEL_NAME };

/* X(enumerator, word): the values of --bpf.attach; all but auto are values of the label `mode`. */
#define CONFIG_ATTACH_MODES(X)      \
	X(CONFIG_ATTACH_AUTO, auto) \
	X(CONFIG_ATTACH_TCX, tcx)   \
	X(CONFIG_ATTACH_CLSACT, clsact)

#define CONFIG_ATTACH_(id, word) id,
enum config_attach { CONFIG_ATTACH_MODES(CONFIG_ATTACH_) CONFIG_ATTACH_MAX };
#undef CONFIG_ATTACH_

/*
 * A listen address as written (for messages) and as sockaddr. An empty host means all addresses,
 * IPv6 and IPv4 (dual stack).
 */
struct config_address {
	char text[80];
	struct sockaddr_storage address;
	socklen_t length;
};

/*
 * A network; IPv4 is mapped into IPv6 (10.0.0.0/8 is ::ffff:10.0.0.0/104). Address bits outside the
 * mask are 0.
 */
struct config_network {
	uint8_t address[16];
	uint8_t mask[16];
};

struct config {
	enum config_mode mode;
	char proxy_name[CONFIG_NAME_SIZE]; /* valid UTF-8, never empty; default: the hostname */
	char interface[64];		   /* glob of tunnel interfaces; default: "wg0" */
	uint16_t ports[CONFIG_PORTS_MAX];  /* host byte order; none: discover */
	uint32_t port_count;
	char processes[CONFIG_PROCESSES_MAX][16]; /* comm of SOCKS servers, zero padded */
	uint32_t process_count;
	char pin_path[CONFIG_PATH_SIZE]; /* empty: --bpf.pin=none */
	enum config_attach attach;
	uint32_t proxies_max; /* 1 … 65535; a sidecar has 1 */
	bool detach;	      /* remove pins, links and filters of this instance, then exit */
	uint32_t collectors;  /* bits of enum config_collector; cost is off without a price */

	double cost_per_gigabyte;
	char cost_currency[4]; /* three capital letters; empty: no price is set */
	struct config_network
		leak_allow[CONFIG_LEAK_ALLOW_MAX]; /* traffic to these networks is no leak */
	uint32_t leak_allow_count;
	uint32_t destinations_max; /* destinations with series for each proxy, `other` excluded */
	enum config_label destinations_label;
	char geoip_database[CONFIG_PATH_SIZE]; /* MMDB; empty: none */

	struct config_address metrics[CONFIG_ADDRESSES_MAX];
	uint32_t metrics_count;
	char telemetry_path[64];
	char web_config_file[CONFIG_PATH_SIZE]; /* TLS, passwords, headers; empty: none */
	bool web_config_wait;  /* start without the file; until it is valid, no proxy metrics */
	uint32_t max_requests; /* concurrent scrapes, 503 above; 0: no limit */

	bool health_enabled;
	struct config_address health;
	bool health_require_vpn; /* "/" answers 503 while a tunnel is not usable */

	enum log_level log_level;
	bool log_json;
};

/*
 * Fills *config. `environment` is a NULL-terminated envp.
 * Returns 0. Returns 1 if the program should exit with 0 (--help, --version, --help-metrics).
 * Returns -EINVAL if it should exit with 2, after one line on standard error. That line has the
 * flag or variable, its value and the reason.
 */
int config_parse(struct config *config, int argc, char **argv, char **environment);

/* The name of an attach mode ("tcx"). */
const char *config_attach_name(enum config_attach attach);
