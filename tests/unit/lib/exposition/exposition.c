// SPDX-License-Identifier: Apache-2.0
#include "lib/exposition/exposition.h"

#include <criterion/criterion.h>
#include <math.h>

#include "lib/metrics/metrics.h"

static struct exposition exposition;

/* The output for the parts, as a string. */
static const char *printed(const struct snapshot *parts, size_t count)
{
	static struct text text;

	text_reset(&text);
	cr_assert_eq(exposition_write(&exposition, &text, EXPOSITION_TEXT, parts, count), 0);
	text_add(&text, "", 1);
	return text.data;
}

static const char *printed_builder(const struct snapshot_builder *b)
{
	struct snapshot s;

	cr_assert_eq(b->error, 0);
	snapshot_view(&s, b);
	return printed(&s, 1);
}

#define HEADER(name, type, help) "# HELP " name " " help "\n# TYPE " name " " type "\n"
#define INFO \
	HEADER("proxy_info", "gauge", "Always 1 while the network namespace of the proxy exists.")

Test(exposition, content_type)
{
	cr_expect_str_eq(exposition_content_type(EXPOSITION_TEXT),
			 "text/plain; version=0.0.4; charset=utf-8");
}

Test(exposition, openmetrics)
{
	static const char expected[] =
		"# HELP proxy_requests SOCKS requests received, by command. At rest, equals "
		"successful plus failed requests.\n"
		"# TYPE proxy_requests counter\n"
		"proxy_requests_total{proxy_name=\"a\\\"b\",command=\"connect\"} 7\n"
		"# HELP process_cpu_seconds User and system CPU time of all processes of the "
		"exporter, ended processes included, in seconds.\n"
		"# TYPE process_cpu_seconds counter\n"
		"# UNIT process_cpu_seconds seconds\n"
		"process_cpu_seconds_total 1.5\n"
		"# EOF\n";
	struct snapshot_builder b = { 0 };
	struct text text = { 0 };
	struct snapshot s;
	uint32_t labels[] = { snapshot_string(&b, "a\"b"), snapshot_string(&b, "connect") };

	cr_expect_str_eq(exposition_content_type(EXPOSITION_OPENMETRICS),
			 "application/openmetrics-text; version=1.0.0; charset=utf-8");
	snapshot_add_unsigned(&b, METRIC_PROXY_REQUESTS, labels, 7);
	snapshot_add_float(&b, METRIC_PROCESS_CPU, NULL, 1.5);
	snapshot_view(&s, &b);
	cr_assert_eq(exposition_write(&exposition, &text, EXPOSITION_OPENMETRICS, &s, 1), 0);
	cr_expect_eq(text.size, sizeof(expected) - 1);
	cr_expect_arr_eq(text.data, expected, sizeof(expected) - 1);
	text_free(&text);
	snapshot_free(&b);
}

Test(exposition, nothing)
{
	cr_expect_str_eq(printed(NULL, 0), "");
}

Test(exposition, families_stay_together)
{
	struct snapshot_builder b = { 0 };
	uint32_t crab = snapshot_string(&b, "crab"), salmon = snapshot_string(&b, "salmon");

	snapshot_add_unsigned(&b, METRIC_PROXIES, NULL, 2);
	snapshot_add_unsigned(&b, METRIC_PROXY_ACTIVE, &crab, 3);
	snapshot_add_unsigned(&b, METRIC_PROXY_INFO, &crab, 1);
	snapshot_add_unsigned(&b, METRIC_PROXY_ACTIVE, &salmon, 4);
	snapshot_add_unsigned(&b, METRIC_PROXY_INFO, &salmon, 1);
	cr_expect_str_eq(
		printed_builder(&b),
		INFO "proxy_info{proxy_name=\"crab\"} 1\n"
		     "proxy_info{proxy_name=\"salmon\"} 1\n" HEADER(
			     "proxy_active_connections", "gauge",
			     "Client TCP connections to the SOCKS server that are open "
			     "now.") "proxy_active_connections{proxy_name=\"crab\"} 3\n"
				     "proxy_active_connections{proxy_name=\"salmon\"} "
				     "4\n" HEADER("wgsocks_exporter_proxies", "gauge",
						  "Proxies that are watched now.") "wgsocks_"
										   "exporter_"
										   "proxies 2\n");
	snapshot_free(&b);
}

Test(exposition, label_values_are_escaped)
{
	struct snapshot_builder b = { 0 };
	uint32_t name = snapshot_string(&b, "a\"b\\c\nd{e}=,\t\xc3\xa9");

	snapshot_add_unsigned(&b, METRIC_PROXY_INFO, &name, 1);
	cr_expect_str_eq(printed_builder(&b),
			 INFO "proxy_info{proxy_name=\"a\\\"b\\\\c\\nd{e}=,\t\xc3\xa9\"} 1\n");
	snapshot_reset(&b);
	name = snapshot_string(&b, "");
	snapshot_add_unsigned(&b, METRIC_PROXY_INFO, &name, 1);
	cr_expect_str_eq(printed_builder(&b), INFO "proxy_info{proxy_name=\"\"} 1\n");
	snapshot_free(&b);
}

Test(exposition, labels_are_positional)
{
	struct snapshot_builder b = { 0 };
	uint32_t labels[4] = { snapshot_string(&b, "crab"), snapshot_string(&b, "wg0"),
			       snapshot_string(&b, "ipv4"), snapshot_string(&b, "tcp") };

	snapshot_add_unsigned(&b, METRIC_VPN_RECEIVE_BYTES, labels, UINT64_MAX);
	cr_expect_not_null(
		strstr(printed_builder(&b),
		       "\nvpn_interface_receive_bytes_total{proxy_name=\"crab\",interface=\"wg0\","
		       "family=\"ipv4\",protocol=\"tcp\"} 18446744073709551615\n"));
	snapshot_free(&b);
}

Test(exposition, floats)
{
	struct snapshot_builder b = { 0 };

	snapshot_add_float(&b, METRIC_PROCESS_CPU, NULL, 0.1);
	cr_expect_not_null(strstr(printed_builder(&b), "\nprocess_cpu_seconds_total 0.1\n"));
	snapshot_reset(&b);
	snapshot_add_float(&b, METRIC_PROCESS_CPU, NULL, NAN);
	cr_expect_not_null(strstr(printed_builder(&b), "\nprocess_cpu_seconds_total NaN\n"));
	snapshot_free(&b);
}

Test(exposition, histogram)
{
	struct abi_histogram histogram = { .buckets = { [0] = 1, [1] = 2, [9] = 4, [16] = 8 },
					   .sum_ns = 1234567890123456789 };
	struct snapshot_builder b = { 0 };
	uint32_t labels[2] = { snapshot_string(&b, "a\"b"), snapshot_string(&b, "success") };

	snapshot_add_histogram(&b, METRIC_PROXY_REQUEST_DURATION, labels, ABI_BOUNDS_LATENCY,
			       &histogram);
#define LINE(end) "proxy_request_duration_seconds" end
#define LABELS "proxy_name=\"a\\\"b\",outcome=\"success\""
#define BUCKET(le, count) LINE("_bucket{" LABELS ",le=\"" le "\"} " count "\n")
	cr_expect_str_eq(
		printed_builder(&b),
		HEADER("proxy_request_duration_seconds", "histogram",
		       "Time from the SOCKS request of the client to the reply of the server, in "
		       "seconds.") BUCKET("0.001", "1") BUCKET("0.0025", "3") BUCKET("0.005", "3")
			BUCKET("0.01", "3") BUCKET("0.025", "3") BUCKET("0.05", "3") BUCKET(
				"0.1", "3") BUCKET("0.25", "3") BUCKET("0.5", "3") BUCKET("1", "7")
				BUCKET("2.5", "7") BUCKET("5", "7") BUCKET("10", "7") BUCKET("30",
											     "7")
					BUCKET("60", "7") BUCKET("120", "7") BUCKET("+Inf", "15")
						LINE("_sum{" LABELS "} 1234567890.123456789\n")
							LINE("_count{" LABELS "} 15\n"));
	snapshot_free(&b);
}

Test(exposition, lifetime_bounds)
{
	struct abi_histogram histogram = { .sum_ns = 0 };
	struct snapshot_builder b = { 0 };
	uint32_t name = snapshot_string(&b, "crab");
	const char *text;

	snapshot_add_histogram(&b, METRIC_PROXY_CONNECTION_DURATION, &name, ABI_BOUNDS_LIFETIME,
			       &histogram);
	text = printed_builder(&b);
	cr_expect_not_null(strstr(text, "_bucket{proxy_name=\"crab\",le=\"0.01\"} 0\n"));
	cr_expect_not_null(strstr(text, "_bucket{proxy_name=\"crab\",le=\"86400\"} 0\n"));
	cr_expect_not_null(strstr(text, "_sum{proxy_name=\"crab\"} 0\n"));
	snapshot_free(&b);
}

Test(exposition, a_family_belongs_to_the_first_part)
{
	struct snapshot_builder own = { 0 }, other = { 0 };
	struct snapshot parts[2];
	uint32_t name;

	snapshot_add_unsigned(&own, METRIC_PROXIES, NULL, 1);
	name = snapshot_string(&other, "crab");
	snapshot_add_unsigned(&other, METRIC_PROXIES, NULL, 99);
	snapshot_add_unsigned(&other, METRIC_PROXY_INFO, &name, 1);
	snapshot_view(&parts[0], &own);
	snapshot_view(&parts[1], &other);
	cr_expect_str_eq(printed(parts, 2),
			 INFO "proxy_info{proxy_name=\"crab\"} 1\n" HEADER(
				 "wgsocks_exporter_proxies", "gauge",
				 "Proxies that are watched now.") "wgsocks_exporter_proxies 1\n");
	snapshot_free(&own);
	snapshot_free(&other);
}

Test(exposition, memory_is_kept)
{
	struct snapshot_builder b = { 0 };
	struct snapshot s;
	uint32_t name = snapshot_string(&b, "crab");
	const void *order;

	for (int i = 0; i < 1000; i++)
		snapshot_add_unsigned(&b, METRIC_PROXY_INFO, &name, 1);
	snapshot_view(&s, &b);
	printed(&s, 1);
	order = exposition.order;
	printed(&s, 1);
	cr_expect_eq(exposition.order, order);
	exposition_free(&exposition);
	cr_expect_null(exposition.order);
	snapshot_free(&b);
}
