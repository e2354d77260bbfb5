// SPDX-License-Identifier: Apache-2.0
/* The source of a value, and the error for an invalid one. */
#include "parse.h"

#include <unistd.h>

/* Without a price there is nothing to collect of it, and no country without a database. */
#define ON_BY_DEFAULT (COLLECTOR_DEFAULT & ~(1u << COLLECTOR_COST | 1u << COLLECTOR_GEOIP))

Test(config, defaults)
{
	char hostname[256];

	cr_assert_eq(PARSE_NOTHING(), 0);
	gethostname(hostname, sizeof(hostname));
	cr_expect_str_eq(said, "");
	cr_expect_eq(config.mode, CONFIG_MODE_SIDECAR);
	cr_expect_str_eq(config.proxy_name, hostname);
	cr_expect_str_eq(config.interface, "wg0");
	cr_expect_eq(config.port_count, 0);
	cr_expect_eq(config.process_count, 2);
	cr_expect_arr_eq(config.processes, "danted\0\0\0\0\0\0\0\0\0\0sockd\0\0\0\0\0\0\0\0\0\0",
			 32);
	cr_expect_str_eq(config.pin_path, "/sys/fs/bpf/wgsocks");
	cr_expect_eq(config.attach, CONFIG_ATTACH_AUTO);
	cr_expect_eq(config.proxies_max, 1, "a sidecar has one");
	cr_expect_not(config.detach);
	cr_expect_eq(config.collectors, ON_BY_DEFAULT);
	cr_expect_eq(config.metrics_count, 1);
	cr_expect_str_eq(config.metrics[0].text, ":9090");
	cr_expect_str_eq(config.health.text, ":9999");
	cr_expect(config.health_enabled);
	cr_expect_not(config.health_require_vpn);
	cr_expect_str_eq(config.telemetry_path, "/metrics");
	cr_expect_eq(config.max_requests, 40);
	cr_expect_eq(config.log_level, LOG_LEVEL_INFO);
	cr_expect_not(config.log_json);
	cr_expect_str_eq(config.cost_currency, "");
}

Test(config, flag_before_variable_before_legacy_before_default)
{
	ENVIRONMENT("METRICS_PORT=1003", "WGSOCKS_WEB_LISTEN_ADDRESS=:1002");
	cr_assert_eq(PARSE("--web.listen-address=:1001", "--web.listen-address", ":1000"), 0);
	cr_expect_eq(config.metrics_count, 2);
	cr_expect_str_eq(config.metrics[0].text, ":1001");
	cr_expect_str_eq(config.metrics[1].text, ":1000");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_eq(config.metrics_count, 1);
	cr_expect_str_eq(config.metrics[0].text, ":1002");
	ENVIRONMENT("METRICS_PORT=1003");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(config.metrics[0].text, ":1003");
}

Test(config, every_variable_of_the_legacy_exporter)
{
	ENVIRONMENT("PROXY_NAME=golden-crab", "METRICS_PORT=9191", "SOCKS5_PORT=1081",
		    "ENABLE_HEALTH_PROBE=false", "HEALTH_PORT=9998");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(said, "");
	cr_expect_str_eq(config.proxy_name, "golden-crab");
	cr_expect_str_eq(config.metrics[0].text, ":9191");
	cr_expect_eq(config.port_count, 1);
	cr_expect_eq(config.ports[0], 1081);
	cr_expect_not(config.health_enabled);
	cr_expect_str_eq(config.health.text, ":9998");
}

Test(config, every_flag)
{
	cr_assert_eq(PARSE("--mode=sidecar", "--proxy.name=a", "--proxy.interface=wg*",
			   "--proxy.port=1080,1081", "--proxy.port=1082", "--proxy.process=sockd",
			   "--bpf.pin=none", "--bpf.attach=clsact", "--proxies.max=9", "--detach",
			   "--no-collector.requests", "--collector.sessions",
			   "--web.telemetry-path=/m", "--web.max-requests=0",
			   "--health.listen-address=[::1]:1", "--no-health.enabled",
			   "--health.require-vpn", "--log.level=debug", "--log.format=json"),
		     0);
	cr_expect_str_eq(said, "");
	cr_expect_str_eq(config.proxy_name, "a");
	cr_expect_str_eq(config.interface, "wg*");
	cr_expect_eq(config.port_count, 3);
	cr_expect_arr_eq(config.ports, ((uint16_t[]){ 1080, 1081, 1082 }), 3 * sizeof(uint16_t));
	cr_expect_eq(config.process_count, 1);
	cr_expect_str_eq(config.processes[0], "sockd");
	cr_expect_str_eq(config.pin_path, "");
	cr_expect_eq(config.attach, CONFIG_ATTACH_CLSACT);
	cr_expect(config.detach);
	cr_expect_eq(config.collectors, ON_BY_DEFAULT & ~(1u << COLLECTOR_REQUESTS));
	cr_expect_str_eq(config.telemetry_path, "/m");
	cr_expect_eq(config.max_requests, 0);
	cr_expect_str_eq(config.health.text, "[::1]:1");
	cr_expect_not(config.health_enabled);
	cr_expect(config.health_require_vpn);
	cr_expect_eq(config.log_level, LOG_LEVEL_DEBUG);
	cr_expect(config.log_json);
}

Test(config, every_flag_has_a_variable)
{
	ENVIRONMENT("WGSOCKS_MODE=sidecar", "WGSOCKS_PROXY_NAME=b", "WGSOCKS_PROXY_PORT=7,8",
		    "WGSOCKS_COLLECTOR_REQUESTS=0", "WGSOCKS_HEALTH_REQUIRE_VPN=TRUE",
		    "WGSOCKS_LOG_FORMAT=json", "WGSOCKS_WEB_TELEMETRY_PATH=/x");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(config.proxy_name, "b");
	cr_expect_eq(config.port_count, 2);
	cr_expect_eq(config.collectors, ON_BY_DEFAULT & ~(1u << COLLECTOR_REQUESTS));
	cr_expect(config.health_require_vpn);
	cr_expect(config.log_json);
	cr_expect_str_eq(config.telemetry_path, "/x");
}

/*
 * getopt takes any unambiguous beginning: "--collector.destination" would switch personal data on.
 */
Test(config, flags_are_whole_names)
{
	expect_refused(PARSE("--collector.destination"),
		       "--collector.destination: unknown flag, did you mean "
		       "--collector.destinations? (see --help)");
	expect_refused(PARSE("--no-collector.req"), "--no-collector.req: unknown flag, did you "
						    "mean --no-collector.requests? (see --help)");
	expect_refused(PARSE("--log.l=debug"),
		       "--log.l=debug: unknown flag, did you mean --log.level? (see --help)");
	expect_refused(PARSE("--log.l", "debug"),
		       "--log.l: unknown flag, did you mean --log.level? (see --help)");
	expect_refused(PARSE("--log.l"),
		       "--log.l: unknown flag, did you mean --log.level? (see --help)");
	expect_refused(PARSE("--vers"),
		       "--vers: unknown flag, did you mean --version? (see --help)");
	expect_refused(PARSE("--collector.client=true"),
		       "--collector.client=true: unknown flag, did you mean --collector.clients? "
		       "(see --help)");
	expect_refused(PARSE("--collector"), "--collector: unknown flag (see --help)");
	cr_expect_eq(PARSE("--log.level", "debug", "--proxy.name", "--log.l"), 0,
		     "a value is no flag");
	cr_expect_str_eq(config.proxy_name, "--log.l");
}

Test(config, a_misspelt_flag_gets_a_suggestion)
{
	expect_refused(PARSE("--web.listen-adress=:1"),
		       "--web.listen-adress=:1: unknown flag, did you mean --web.listen-address? "
		       "(see --help)");
	expect_refused(PARSE("--colector.dns"),
		       "--colector.dns: unknown flag, did you mean --collector.dns? (see --help)");
	expect_refused(PARSE("--x"), "--x: unknown flag (see --help)");
	cr_expect_eq(PARSE("--"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaa"),
		     -EINVAL);
}

Test(config, refused_flags)
{
	expect_refused(PARSE("--no.such.flag"), "--no.such.flag: unknown flag (see --help)");
	expect_refused(PARSE("--no.such.flag=1"), "--no.such.flag=1: unknown flag (see --help)");
	expect_refused(PARSE("-v"), "-v: unknown flag (see --help)");
	expect_refused(PARSE("-verbose", "--log.level=info"),
		       "-verbose: unknown flag (see --help)");
	expect_refused(PARSE("--log.level=info", "stray"), "stray: unexpected argument");
	expect_refused(PARSE(""), ": unexpected argument");
	expect_refused(PARSE("--", "--log.level=info"), "--log.level=info: unexpected argument");
	expect_refused(PARSE("--proxy.name=x", "--log.level"), "--log.level: needs a value");
	expect_refused(PARSE("--no-health.enabled=true"),
		       "--no-health.enabled=true: takes no value");
	expect_refused(PARSE("--no-log.level"), "--no-log.level: unknown flag (see --help)");
	expect_refused(PARSE("--log.level=loud", "--log.format=x"),
		       "--log.level=loud: must be debug, info, warn or error");
	expect_refused(PARSE("--mode=both"), "--mode=both: must be sidecar or node");
	expect_refused(PARSE("--log.format="), "--log.format=\"\": must be logfmt or json");
	expect_refused(PARSE("--log.format=a b\n\"\x1b\xff"),
		       "--log.format=\"a b\\n\\\"\\u001b\\ufffd\": must be logfmt or json");
}

Test(config, refused_variables)
{
	ENVIRONMENT("METRICS_PORT=99999");
	expect_refused(PARSE_NOTHING(), "METRICS_PORT=99999: must be a port (1 to 65535)");
	cr_expect_eq(PARSE("--web.listen-address=:1"), 0, "the flag stands before it");
	ENVIRONMENT("WGSOCKS_LOG_LEVEL=x");
	expect_refused(PARSE_NOTHING(), "WGSOCKS_LOG_LEVEL=x: must be debug, info, warn or error");
	ENVIRONMENT("ENABLE_HEALTH_PROBE=maybe");
	expect_refused(PARSE_NOTHING(), "ENABLE_HEALTH_PROBE=maybe: must be true or false");
	ENVIRONMENT("HEALTH_PORT=0");
	expect_refused(PARSE_NOTHING(), "HEALTH_PORT=0: must be a port (1 to 65535)");
}

Test(config, an_empty_variable_is_unset)
{
	ENVIRONMENT("WGSOCKS_PROXY_NAME=", "PROXY_NAME=seed",
		    "METRICS_PORT=", "WGSOCKS_LOG_LEVEL=");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(config.proxy_name, "seed");
	cr_expect_str_eq(config.metrics[0].text, ":9090");
	ENVIRONMENT("PROXY_NAME=");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_not_empty(config.proxy_name, "the hostname then");
}

Test(config, other_variables_are_not_ours)
{
	ENVIRONMENT("METRICS_PORT2=x", "METRICS_POR=x", "XMETRICS_PORT=x", "METRICS_PORT",
		    "WGSOCKS_EXPORTER_PORT=tcp://10.0.0.1:9090", "=");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(said, "");
	cr_expect_str_eq(config.metrics[0].text, ":9090");
}

Test(config, service_links_are_ignored_with_a_line)
{
	ENVIRONMENT("METRICS_PORT=tcp://10.96.0.7:9090", "HEALTH_PORT=udp://10.96.0.7:1",
		    "WGSOCKS_PROXY_PORT=tcp://10.96.0.8:1080", "SOCKS5_PORT=1085");
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(config.metrics[0].text, ":9090");
	cr_expect_str_eq(config.health.text, ":9999");
	cr_expect_eq(config.ports[0], 1085);
	cr_expect_not_null(strstr(said, "setting=METRICS_PORT reason=\"tcp://10.96.0.7:9090 is a "
					"Kubernetes service link\"\n"));
	cr_expect_not_null(strstr(said, "setting=HEALTH_PORT "));
	cr_expect_not_null(strstr(said, "setting=WGSOCKS_PROXY_PORT "));
}

Test(config, lines_go_to_the_log_as_configured)
{
	ENVIRONMENT("METRICS_PORT=tcp://10.96.0.7:9090");
	cr_assert_eq(PARSE("--log.format=json"), 0);
	cr_expect_not_null(strstr(said, "{\"time\":"), "%s", said);
	cr_assert_eq(PARSE("--log.level=error"), 0);
	cr_expect_str_eq(said, "");
}

/*
 * Each flag and each variable is given a megabyte and every single byte: a line or success, never a
 * crash or a second line.
 */
Test(config, hostile_values)
{
	static const char *const FLAGS[] = {
		"mode",
		"proxy.name",
		"proxy.interface",
		"proxy.port",
		"proxy.process",
		"proxies.max",
		"bpf.pin",
		"bpf.attach",
		"web.listen-address",
		"web.telemetry-path",
		"web.max-requests",
		"health.listen-address",
		"log.level",
		"log.format",
		"health.enabled",
		"leak.allow",
	};
	static const char FILLERS[] = "a,:/[1\x80%";
	const size_t size = 1 << 20;
	char *flag = malloc(size + 64);

	for (size_t f = 0; f < sizeof(FLAGS) / sizeof(FLAGS[0]); f++) {
		int head = sprintf(flag, "--%s=", FLAGS[f]);

		for (const char *filler = FILLERS; *filler; filler++) {
			memset(flag + head, *filler, size);
			flag[(size_t)head + size] = '\0';
			PARSE(flag);
			cr_assert_leq(strlen(said), 4096);
			cr_assert(!*said || strchr(said, '\n') == said + strlen(said) - 1 ||
					  !strcmp(FLAGS[f], "proxy.name"),
				  "%s: %s", FLAGS[f], said);
		}
		for (int byte = 1; byte < 256; byte++) {
			flag[head] = (char)byte;
			flag[head + 1] = '\0';
			PARSE(flag);
		}
	}
	free(flag);
}

/* Names, defaults and flags are of one table: an independent word for each of its columns. */
Test(config, collector_table)
{
	cr_expect_str_eq(config_collector_name(COLLECTOR_INTERFACE), "interface");
	cr_expect_str_eq(config_collector_name(COLLECTOR_WIREGUARD), "wireguard");
	cr_expect_null(config_collector_name(COLLECTOR_MAX));
	cr_expect_eq(COLLECTOR_ALL & ~COLLECTOR_DEFAULT,
		     1u << COLLECTOR_CLIENTS | 1u << COLLECTOR_DESTINATIONS);
}
