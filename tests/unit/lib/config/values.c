// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include <inttypes.h>

#include "lib/text/utf8.h"

Test(numbers, edges)
{
	expect_refused(PARSE("--proxy.port=0"), "--proxy.port=0: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port=65536"),
		       "--proxy.port=65536: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port=-1"), "--proxy.port=-1: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port=+1"), "--proxy.port=+1: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port=0x10"),
		       "--proxy.port=0x10: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port=18446744073709551617"),
		       "--proxy.port=18446744073709551617: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxies.max=0"), "--proxies.max=0: must be 1 to 65535");
	expect_refused(PARSE("--web.max-requests=65536"),
		       "--web.max-requests=65536: must be 0 to 65535");
	cr_expect_eq(
		PARSE("--proxy.port=1,65535", "--web.max-requests=65535", "--proxies.max=65535"),
		0);
	cr_expect_eq(config.ports[1], 65535);
	cr_expect_eq(config.max_requests, 65535);
}

Test(destinations, edges)
{
	expect_refused(PARSE("--destinations.max=0"), "--destinations.max=0: must be 1 to 10000");
	expect_refused(PARSE("--destinations.max=10001"),
		       "--destinations.max=10001: must be 1 to 10000");
	expect_refused(PARSE("--destinations.label=town"),
		       "--destinations.label=town: must be address or name");
	expect_refused(PARSE("--geoip.database=a.mmdb"),
		       "--geoip.database=a.mmdb: must be an absolute path");
	cr_expect_eq(PARSE_NOTHING(), 0);
	cr_expect_eq(config.destinations_max, 100);
	cr_expect_eq(config.destinations_label, CONFIG_LABEL_ADDRESS);
	cr_expect_eq(PARSE("--collector.destinations", "--destinations.max=10000",
			   "--destinations.label=NAME", "--geoip.database=/a.mmdb"),
		     0);
	cr_expect_eq(config.destinations_max, 10000);
	cr_expect_eq(config.destinations_label, CONFIG_LABEL_NAME);
	cr_expect(config.collectors & 1u << COLLECTOR_GEOIP);
}

/*
 * Countries are of destinations, by a database: without either there are none, and nothing is said
 * to have failed.
 */
Test(destinations, countries_need_both)
{
	cr_expect_eq(PARSE("--collector.destinations"), 0);
	cr_expect_not(config.collectors & 1u << COLLECTOR_GEOIP);
	cr_expect_str_eq(said, "");
	cr_expect_eq(PARSE("--geoip.database=/a.mmdb"), 0);
	cr_expect_not(config.collectors & 1u << COLLECTOR_GEOIP);
	cr_expect_not_null(strstr(said, "has no effect without --collector.destinations"));
	cr_expect_eq(PARSE("--geoip.database=/a.mmdb", "--no-collector.geoip"), 0);
	cr_expect_str_eq(said, "");
}

Test(lists, ports)
{
	cr_assert_eq(PARSE("--proxy.port=1, 2 ,3", "--proxy.port=2"), 0);
	cr_expect_eq(config.port_count, 3, "twice the same is one");
	expect_refused(PARSE("--proxy.port=1,,2"),
		       "--proxy.port=1,,2: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port=1,"), "--proxy.port=1,: must be a port (1 to 65535)");
	expect_refused(PARSE("--proxy.port="), "--proxy.port=\"\": must be a port (1 to 65535)");
	cr_expect_eq(PARSE("--proxy.port=1,2,3,4,5,6,7,8"), 0);
	expect_refused(PARSE("--proxy.port=1,2,3,4,5,6,7,8,9"),
		       "--proxy.port=1,2,3,4,5,6,7,8,9: must be at most 8 ports");
}

Test(lists, processes)
{
	cr_assert_eq(PARSE("--proxy.process=a,123456789012345", "--proxy.process=c,d"), 0);
	cr_expect_eq(config.process_count, 4);
	cr_expect_str_eq(config.processes[1], "123456789012345");
	expect_refused(
		PARSE("--proxy.process=1234567890123456"),
		"--proxy.process=1234567890123456: a process name must have 1 to 15 characters");
	expect_refused(PARSE("--proxy.process=a,,b"),
		       "--proxy.process=a,,b: a process name must have 1 to 15 characters");
	expect_refused(PARSE("--proxy.process=a,b,c,d,e"),
		       "--proxy.process=a,b,c,d,e: must be at most 4 names");
}

Test(switches, words)
{
	static const char *const ON[] = { "true", "TRUE", "1", "yes", "on" }, *const OFF[] = {
		"false", "False", "0", "no", "off"
	};

	for (size_t i = 0; i < 5; i++) {
		char variable[64];

		snprintf(variable, sizeof(variable), "ENABLE_HEALTH_PROBE=%s", ON[i]);
		ENVIRONMENT(variable);
		cr_expect_eq(PARSE_NOTHING(), 0);
		cr_expect(config.health_enabled, "%s", ON[i]);
		snprintf(variable, sizeof(variable), "ENABLE_HEALTH_PROBE=%s", OFF[i]);
		ENVIRONMENT(variable);
		cr_expect_eq(PARSE_NOTHING(), 0);
		cr_expect_not(config.health_enabled, "%s", OFF[i]);
	}
	ENVIRONMENT(NULL);
	cr_expect_eq(PARSE("--health.enabled"), 0);
	cr_expect(config.health_enabled);
	cr_expect_eq(PARSE("--health.enabled=false"), 0);
	cr_expect_not(config.health_enabled);
}

Test(paths, pin)
{
	char path[300] = "--bpf.pin=/";

	expect_refused(PARSE("--bpf.pin=here"), "--bpf.pin=here: must be none or an absolute path");
	memset(path + 11, 'p', 254);
	cr_expect_eq(PARSE(path), 0);
	cr_expect_eq(strlen(config.pin_path), CONFIG_PATH_SIZE - 1);
	path[11 + 254] = 'p';
	cr_expect_eq(PARSE(path), -EINVAL);
}

Test(paths, telemetry)
{
	static char *const BAD[] = { "metrics", "/",	 "/-/ready", "/a b", "/a?b",
				     "/a#b",	"/a%41", "/a\n",     "/<x>" };

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		cr_expect_eq(PARSE("--web.telemetry-path", BAD[i]), -EINVAL, "%s", BAD[i]);
	cr_expect_eq(PARSE("--web.telemetry-path=/a/b_c.d-e~"), 0);
}

static const char *name_of(const char *name)
{
	static char variable[2048];

	snprintf(variable, sizeof(variable), "PROXY_NAME=%s", name);
	ENVIRONMENT(variable);
	cr_assert_eq(PARSE_NOTHING(), 0);
	return config.proxy_name;
}

Test(proxy_name, kept_as_it_is)
{
	static const char *const NAMES[] = { "golden-crab", "a \"b\" \\c\n\td",
					     "Süßwasser-Krabbe 🦀", " ", "a=b" };
	char longest[CONFIG_NAME_SIZE], three_hundred[301];

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		cr_expect_str_eq(name_of(NAMES[i]), NAMES[i]);
		cr_expect_str_eq(said, "");
	}
	memset(three_hundred, 'c', 300);
	three_hundred[300] = '\0';
	cr_expect_str_eq(name_of(three_hundred), three_hundred);
	memset(longest, 'c', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_str_eq(name_of(longest), longest);
	cr_expect_str_eq(said, "");
}

Test(proxy_name, what_is_not_utf8_is_replaced)
{
	cr_expect_str_eq(name_of("a\xff"
				 "b\xc3"),
			 "a" UTF8_REPLACEMENT "b" UTF8_REPLACEMENT);
	cr_expect_not_null(strstr(said, "not valid UTF-8"));
	cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "one line: %s", said);
}

Test(proxy_name, cut_at_a_character)
{
	/*
	 * Characters of 1 to 4 bytes, after 0 to 3 bytes, so that the end falls everywhere within
	 * one.
	 */
	static const char *const CHARACTERS[] = { "x", "ü", "€", "🦀", "\xff" };

	for (size_t c = 0; c < sizeof(CHARACTERS) / sizeof(CHARACTERS[0]); c++)
		for (size_t before = 0; before < 4; before++) {
			char name[1024];
			size_t length = before, used;
			const char *kept;

			memset(name, 'x', before);
			while (length < 900) {
				memcpy(name + length, CHARACTERS[c], strlen(CHARACTERS[c]));
				length += strlen(CHARACTERS[c]);
			}
			name[length] = '\0';
			kept = name_of(name);
			cr_expect_gt(strlen(kept), CONFIG_NAME_SIZE - 5);
			cr_expect_lt(strlen(kept), CONFIG_NAME_SIZE);
			for (used = 0; kept[used];
			     used += utf8_length(kept + used, strlen(kept) - used))
				cr_assert(utf8_length(kept + used, strlen(kept) - used), "%s",
					  kept);
			cr_expect_not_null(strstr(said, "longer than 511 bytes"), "%s", said);
		}
}

Test(proxy_name, an_empty_flag_is_refused)
{
	expect_refused(PARSE("--proxy.name="), "--proxy.name=\"\": must not be empty");
}

static void expect_price(int result, double price, const char *currency)
{
	cr_expect_eq(result, 0, "%s", said);
	cr_expect_eq(config.cost_per_gigabyte, price, "%g", config.cost_per_gigabyte);
	cr_expect_str_eq(config.cost_currency, currency);
	cr_expect(config.collectors & 1u << COLLECTOR_COST);
}

Test(cost, price_and_currency)
{
	expect_price(PARSE("--cost.per-gigabyte=0.05"), 0.05, "USD");
	expect_price(PARSE("--cost.per-gigabyte=0.05EUR"), 0.05, "EUR");
	expect_price(PARSE("--cost.per-gigabyte=0.05 eur"), 0.05, "EUR");
	expect_price(PARSE("--cost.per-gigabyte", "12   ChF"), 12, "CHF");
	expect_price(PARSE("--cost.per-gigabyte=0"), 0, "USD");
	expect_price(PARSE("--cost.per-gigabyte=123456789.12345"), 123456789.12345, "USD");
	ENVIRONMENT("PROXY_COST_PER_GB=0.25 GBP");
	expect_price(PARSE_NOTHING(), 0.25, "GBP");
	expect_price(PARSE("--cost.per-gigabyte=1"), 1, "USD");
	ENVIRONMENT("PROXY_COST_PER_GB=0.25", "WGSOCKS_COST_PER_GIGABYTE=3JPY");
	expect_price(PARSE_NOTHING(), 3, "JPY");
	ENVIRONMENT("PROXY_COST_PER_GB=");
	cr_expect_eq(PARSE_NOTHING(), 0);
	cr_expect_str_eq(config.cost_currency, "");
	cr_expect_not(config.collectors & 1u << COLLECTOR_COST);
	ENVIRONMENT("PROXY_COST_PER_GB=1", "WGSOCKS_COLLECTOR_COST=false");
	cr_expect_eq(PARSE_NOTHING(), 0);
	cr_expect_not(config.collectors & 1u << COLLECTOR_COST);
}

#define NO_PRICE "must be a price with an optional currency (0.05 or 0.05EUR)"
#define NO_CURRENCY "the currency must be three letters (ISO 4217), as in 0.05EUR"

Test(cost, refused)
{
	static const char *const prices[] = { "EUR",   "-1", "+1",  ".5",  "1.",
					      "1.EUR", " 1", "nan", "inf", "1234567890.123456" };
	static const char *const currencies[] = { "1 EU",	   "1EURO", "1e3",    "1,5",
						  "1.2.3",	   "0x10",  "1 EUR ", "1 E R",
						  "1\xe2\x82\xac", "1 usd1" };

	for (size_t i = 0; i < sizeof(prices) / sizeof(*prices); i++) {
		cr_expect_eq(PARSE("--cost.per-gigabyte", (char *)prices[i]), -EINVAL, "%s",
			     prices[i]);
		cr_expect_not_null(strstr(said, ": " NO_PRICE "\n"), "%s", said);
	}
	for (size_t i = 0; i < sizeof(currencies) / sizeof(*currencies); i++) {
		cr_expect_eq(PARSE("--cost.per-gigabyte", (char *)currencies[i]), -EINVAL, "%s",
			     currencies[i]);
		cr_expect_not_null(strstr(said, ": " NO_CURRENCY "\n"), "%s", said);
	}
	expect_refused(PARSE("--cost.per-gigabyte="), "--cost.per-gigabyte=\"\": " NO_PRICE);
	ENVIRONMENT("PROXY_COST_PER_GB=free");
	expect_refused(PARSE_NOTHING(), "PROXY_COST_PER_GB=free: " NO_PRICE);
}
