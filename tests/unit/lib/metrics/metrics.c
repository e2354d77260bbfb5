// SPDX-License-Identifier: Apache-2.0
#include "lib/metrics/metrics.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <wgsocks/abi.h>

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

Test(family, beyond_the_table)
{
	cr_expect_null(metric_family(METRIC_MAX));
	cr_expect_null(metric_family(~0u));
}

Test(family, rows_match_their_ids)
{
	cr_expect_str_eq(metric_family(METRIC_PROXY_INFO)->name, "proxy_info");
	cr_expect_str_eq(metric_family(METRIC_HTTP_IN_FLIGHT)->name,
			 "promhttp_metric_handler_requests_in_flight");
	cr_expect_eq(metric_family(METRIC_PROXY_REQUEST_DURATION)->type, METRIC_HISTOGRAM);
	cr_expect_eq(metric_family(METRIC_PROXY_ACTIVE)->type, METRIC_GAUGE);
}

Test(family, labels_are_split)
{
	const struct metric_family *traffic = metric_family(METRIC_VPN_RECEIVE_BYTES);
	static const char *const labels[] = { "proxy_name", "interface", "family", "protocol" };

	cr_assert_eq(traffic->label_count, 4);
	for (unsigned int i = 0; i < 4; i++)
		cr_expect_str_eq(traffic->labels[i], labels[i]);
	cr_expect_null(traffic->labels[4]);
	cr_expect_eq(metric_family(METRIC_PINNED)->label_count, 0);
}

Test(family, names_follow_the_rules)
{
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);

		for (const char *c = family->name; *c; c++)
			cr_expect(islower(*c) || isdigit(*c) || *c == '_', "%s", family->name);
		cr_expect_eq(ends_with(family->name, "_total"), family->type == METRIC_COUNTER,
			     "%s", family->name);
		cr_expect(!*family->unit || strstr(family->name, family->unit), "%s", family->name);
		cr_expect(family->type != METRIC_HISTOGRAM || ends_with(family->name, "_seconds"),
			  "%s", family->name);
		for (unsigned int j = 0; j < i; j++)
			cr_expect_str_neq(family->name, metric_family(j)->name);
	}
}

Test(family, help_is_one_line)
{
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);

		cr_expect(ends_with(family->help, "."), "%s", family->name);
		cr_expect_null(strpbrk(family->help, "\n\\"), "%s is printed as it is",
			       family->name);
	}
}

Test(family, labels_follow_the_rules)
{
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);
		bool proxy =
			starts_with(family->name, "proxy_") || starts_with(family->name, "vpn_");

		cr_expect(!proxy ||
				  (family->label_count && !strcmp(family->labels[0], "proxy_name")),
			  "%s", family->name);
		cr_expect(!starts_with(family->name, "vpn_interface_") ||
			  !strcmp(family->labels[1], "interface"));
		for (unsigned int l = 0; l < family->label_count; l++) {
			cr_assert_not_null(family->labels[l], "%s", family->name);
			cr_expect_neq(*family->labels[l], '\0', "%s", family->name);
			cr_expect_str_neq(family->labels[l], "le", "%s", family->name);
			for (unsigned int k = 0; k < l; k++)
				cr_expect_str_neq(family->labels[l], family->labels[k], "%s",
						  family->name);
		}
	}
}

Test(help, tells_every_family)
{
	char text[65536] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");
	size_t column = 0;

	cr_assert_eq(metrics_help_write(f), 0);
	fclose(f);
	column = (size_t)(strstr(text, "TYPE") - text);
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);
		char start[256];
		const char *line;

		snprintf(start, sizeof(start), "\n%s ", family->name);
		line = strstr(text, start);
		cr_assert_not_null(line, "%s", family->name);
		cr_expect_eq(strncmp(line + 1 + column, metric_type_name(family->type), 5), 0,
			     "%s is aligned", family->name);
		cr_expect_not_null(strstr(line, family->help), "%s", family->name);
	}
	cr_expect_not_null(strstr(text, "bytes    proxy_name,interface,family,protocol\n"));
}

Test(help, says_when_it_cannot_write)
{
	FILE *full = fopen("/dev/full", "w");

	cr_assert_not_null(full);
	cr_expect_eq(metrics_help_write(full), -EIO);
	fclose(full);
}

/* All words of a set with spaces between them. */
static const char *joined(const char *(*word)(unsigned int value), char *text, size_t size)
{
	FILE *f = fmemopen(text, size, "w");

	for (unsigned int i = 0; word(i); i++)
		fprintf(f, "%s%s", i ? " " : "", word(i));
	fclose(f);
	return text;
}

#define EXPECT_WORDS(function, words)                                          \
	do {                                                                   \
		char text[512];                                                \
		cr_expect_str_eq(joined(function, text, sizeof(text)), words); \
		cr_expect_null(function(~0u));                                 \
	} while (0)

Test(labels, words_of_the_contract)
{
	EXPECT_WORDS(metric_command, "connect bind udp_associate unknown");
	EXPECT_WORDS(
		metric_failure,
		"general_failure not_allowed network_unreachable host_unreachable "
		"connection_refused "
		"ttl_expired command_not_supported address_type_not_supported no_acceptable_method "
		"auth_failed client_abort server_abort protocol_error other");
	EXPECT_WORDS(metric_upstream_failure,
		     "refused timed_out host_unreachable network_unreachable reset aborted other");
	EXPECT_WORDS(metric_side, "client upstream");
	EXPECT_WORDS(metric_loss,
		     "recursion out_of_order insert delete parse reserve netns_table other");
	EXPECT_WORDS(metric_outcome, "success failure");
	EXPECT_WORDS(metric_network_family, "ipv4 ipv6");
	EXPECT_WORDS(metric_protocol, "tcp udp icmp other");
	EXPECT_WORDS(metric_tunnel_state, "no_interface no_peer never up idle stale");
}

Test(labels, belong_to_their_values)
{
	cr_expect_str_eq(metric_failure(ABI_FAILURE_CONNECTION_REFUSED), "connection_refused");
	cr_expect_str_eq(metric_failure(ABI_FAILURE_CLIENT_ABORT), "client_abort");
	cr_expect_str_eq(metric_loss(ABI_LOSS_NETNS_TABLE), "netns_table");
	cr_expect_str_eq(metric_protocol(ABI_PROTOCOL_ICMP), "icmp");
	cr_expect_null(metric_failure(ABI_FAILURE_MAX));
}
