/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: flags (argp), else environment (WGSOCKS_… and the legacy exporter's names), else
 * default.
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

/* X(enumerator, word): the values of --bpf.attach, and but for auto those of the label `mode`. */
#define CONFIG_ATTACH_MODES(X)      \
	X(CONFIG_ATTACH_AUTO, auto) \
	X(CONFIG_ATTACH_TCX, tcx)   \
	X(CONFIG_ATTACH_CLSACT, clsact)

#define CONFIG_ATTACH_(id, word) id,
enum config_attach { CONFIG_ATTACH_MODES(CONFIG_ATTACH_) CONFIG_ATTACH_MAX };
#undef CONFIG_ATTACH_

/*
 * A listen address as written (for messages) and as sockaddr. An empty host means all of IPv6 and
 * IPv4 (dual stack).
 */
struct config_address {
	char text[80];
	struct sockaddr_storage address;
	socklen_t length;
};

/*
 * A network, IPv4 mapped into IPv6 (10.0.0.0/8: ::ffff:10.0.0.0/104). The address has no bit
 * outside of the mask.
 */
struct config_network {
	uint8_t address[16];
	uint8_t mask[16];
};

struct config {
	enum config_mode mode;
	char proxy_name[CONFIG_NAME_SIZE]; /* valid UTF-8, never empty: PROXY_NAME or the hostname
					    */
	char interface[64];		   /* glob of tunnel interfaces, "wg0" */
	uint16_t ports[CONFIG_PORTS_MAX];  /* host order; none: discover */
	uint32_t port_count;
	char processes[CONFIG_PROCESSES_MAX][16]; /* comm of SOCKS server processes, zero padded */
	uint32_t process_count;
	char pin_path[CONFIG_PATH_SIZE]; /* empty: --bpf.pin=none */
	enum config_attach attach;
	uint32_t proxies_max; /* 1 … 65535; a sidecar has 1 */
	bool detach;	      /* remove all that is ours, then exit */
	uint32_t collectors;  /* bits of enum config_collector; cost is off where no price is set */

	double cost_per_gigabyte;
	char cost_currency[4]; /* three capital letters; empty: no price is set */
	struct config_network
		leak_allow[CONFIG_LEAK_ALLOW_MAX]; /* where nothing that goes is a leak */
	uint32_t leak_allow_count;
	uint32_t destinations_max; /* series of destinations of one proxy, beside `other` */
	enum config_label destinations_label;
	char geoip_database[CONFIG_PATH_SIZE]; /* MMDB; empty: none */

	struct config_address metrics[CONFIG_ADDRESSES_MAX];
	uint32_t metrics_count;
	char telemetry_path[64];
	char web_config_file[CONFIG_PATH_SIZE]; /* TLS, passwords, headers; empty: none */
	bool web_config_wait;  /* it may come later: until then no proxy's numbers are served */
	uint32_t max_requests; /* concurrent scrapes, 503 above; 0: no limit */

	bool health_enabled;
	struct config_address health;
	bool health_require_vpn; /* "/" answers 503 as well when the tunnel is not up */

	enum log_level log_level;
	bool log_json;
};

/*
 * Fills *config. `environment` is a NULL-terminated envp.
 * Returns 0; 1 when all is said and the program should exit with 0 (--help, --version,
 * --help-metrics); -EINVAL after one line on standard error that names the flag or variable, the
 * value and why (exit 2).
 */
int config_parse(struct config *config, int argc, char **argv, char **environment);

/* The word of a mode ("tcx"). */
const char *config_attach_name(enum config_attach attach);
