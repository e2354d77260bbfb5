// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lib/metrics/metrics.h"
#include <wgsocks/abi.h>

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
	EXPECT_WORDS(metric_failure,
		     "general_failure not_allowed network_unreachable host_unreachable connection_refused "
		     "ttl_expired command_not_supported address_type_not_supported no_acceptable_method "
		     "auth_failed client_abort server_abort protocol_error other");
	EXPECT_WORDS(metric_upstream_failure,
		     "refused timed_out host_unreachable network_unreachable reset aborted other");
	EXPECT_WORDS(metric_side, "client upstream");
	EXPECT_WORDS(metric_loss, "recursion out_of_order insert delete parse reserve netns_table other");
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
