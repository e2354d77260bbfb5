// SPDX-License-Identifier: Apache-2.0
#include "lib/metrics/metrics.h"

#include <errno.h>
#include <string.h>

#include "lib/metrics/tunnel.h"
#include <wgsocks/abi.h>

#define LABELS(...) __VA_ARGS__
#define LABEL_LIST_(...) ((const char *const[]){ __VA_ARGS__ })
#define FAMILY_(id, name_, type_, unit_, labels_, help_)                      \
	[METRIC_##id] = {                                                     \
		.name = name_,                                                \
		.type = METRIC_##type_,                                       \
		.unit = unit_,                                                \
		.help = help_,                                                \
		.label_count = sizeof(LABEL_LIST_(labels_)) / sizeof(char *), \
		.labels = { labels_ },                                        \
	},

static const struct metric_family families[METRIC_MAX] = { METRIC_FAMILIES(FAMILY_) };

const struct metric_family *metric_family(unsigned int metric)
{
	return metric < METRIC_MAX ? &families[metric] : NULL;
}

const char *metric_type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_GAUGE: return "gauge";
	case METRIC_COUNTER: return "counter";
	case METRIC_HISTOGRAM: return "histogram";
	}
	return "untyped";
}

static size_t name_width(void)
{
	size_t width = 0;

	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		size_t length = strlen(metric_family(i)->name);

		if (length > width)
			width = length;
	}
	return width;
}

int metrics_help_write(FILE *f)
{
	int width = (int)name_width();

	fprintf(f, "%-*s  %-9s  %-7s  %s\n", width, "NAME", "TYPE", "UNIT", "LABELS");
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);

		fprintf(f, "%-*s  %-9s  %-7s  ", width, family->name, metric_type_name(family->type),
			*family->unit ? family->unit : "-");
		for (unsigned int l = 0; l < family->label_count; l++)
			fprintf(f, "%s%s", l ? "," : "", family->labels[l]);
		fprintf(f, "%s\n    %s\n", family->label_count ? "" : "-", family->help);
	}
	return fflush(f) || ferror(f) ? -EIO : 0;
}

/* The values of the closed label sets: the ABI's enums in the words of the contract. */

/* A word for each value, none missing, none beyond the last. */
#define WORDS(function, count, ...)                                                                          \
	const char *function(unsigned int value)                                                             \
	{                                                                                                    \
		static const char *const words[] = { __VA_ARGS__ };                                          \
                                                                                                             \
		_Static_assert(sizeof(words) / sizeof(*words) == (count), #function " and its enum differ"); \
		return value < (count) ? words[value] : NULL;                                                \
	}

WORDS(metric_command, ABI_COMMAND_MAX, [ABI_COMMAND_CONNECT] = "connect", [ABI_COMMAND_BIND] = "bind",
      [ABI_COMMAND_UDP_ASSOCIATE] = "udp_associate", [ABI_COMMAND_UNKNOWN] = "unknown")

WORDS(metric_failure, ABI_FAILURE_MAX, [ABI_FAILURE_GENERAL] = "general_failure",
      [ABI_FAILURE_NOT_ALLOWED] = "not_allowed", [ABI_FAILURE_NETWORK_UNREACHABLE] = "network_unreachable",
      [ABI_FAILURE_HOST_UNREACHABLE] = "host_unreachable", [ABI_FAILURE_CONNECTION_REFUSED] = "connection_refused",
      [ABI_FAILURE_TTL_EXPIRED] = "ttl_expired", [ABI_FAILURE_COMMAND_NOT_SUPPORTED] = "command_not_supported",
      [ABI_FAILURE_ADDRESS_TYPE_NOT_SUPPORTED] = "address_type_not_supported",
      [ABI_FAILURE_NO_ACCEPTABLE_METHOD] = "no_acceptable_method", [ABI_FAILURE_AUTH_FAILED] = "auth_failed",
      [ABI_FAILURE_CLIENT_ABORT] = "client_abort", [ABI_FAILURE_SERVER_ABORT] = "server_abort",
      [ABI_FAILURE_PROTOCOL_ERROR] = "protocol_error", [ABI_FAILURE_OTHER] = "other")

WORDS(metric_upstream_failure,
      ABI_UPSTREAM_MAX, [ABI_UPSTREAM_REFUSED] = "refused", [ABI_UPSTREAM_TIMED_OUT] = "timed_out",
      [ABI_UPSTREAM_HOST_UNREACHABLE] = "host_unreachable", [ABI_UPSTREAM_NETWORK_UNREACHABLE] = "network_unreachable",
      [ABI_UPSTREAM_RESET] = "reset", [ABI_UPSTREAM_ABORTED] = "aborted", [ABI_UPSTREAM_OTHER] = "other")

WORDS(metric_side, ABI_SIDE_MAX, [ABI_SIDE_CLIENT] = "client", [ABI_SIDE_UPSTREAM] = "upstream")

WORDS(metric_loss, ABI_LOSS_MAX, [ABI_LOSS_RECURSION] = "recursion", [ABI_LOSS_OUT_OF_ORDER] = "out_of_order",
      [ABI_LOSS_INSERT] = "insert", [ABI_LOSS_DELETE] = "delete", [ABI_LOSS_PARSE] = "parse",
      [ABI_LOSS_RESERVE] = "reserve", [ABI_LOSS_NETNS_TABLE] = "netns_table", [ABI_LOSS_OTHER] = "other")

WORDS(metric_outcome, ABI_OUTCOME_MAX, [ABI_OUTCOME_SUCCESS] = "success", [ABI_OUTCOME_FAILURE] = "failure")

WORDS(metric_network_family, ABI_FAMILY_MAX, [ABI_FAMILY_IPV4] = "ipv4", [ABI_FAMILY_IPV6] = "ipv6")

WORDS(metric_protocol, ABI_PROTOCOL_MAX, [ABI_PROTOCOL_TCP] = "tcp", [ABI_PROTOCOL_UDP] = "udp",
      [ABI_PROTOCOL_ICMP] = "icmp", [ABI_PROTOCOL_OTHER] = "other")

WORDS(metric_path, ABI_PATH_MAX, [ABI_PATH_TUNNEL] = "tunnel", [ABI_PATH_UNDERLAY] = "underlay")

WORDS(metric_dns_type,
      ABI_DNS_TYPE_MAX, [ABI_DNS_A] = "a", [ABI_DNS_AAAA] = "aaaa", [ABI_DNS_CNAME] = "cname", [ABI_DNS_MX] = "mx",
      [ABI_DNS_TXT] = "txt", [ABI_DNS_SRV] = "srv", [ABI_DNS_PTR] = "ptr", [ABI_DNS_NS] = "ns", [ABI_DNS_SOA] = "soa",
      [ABI_DNS_SVCB] = "svcb", [ABI_DNS_HTTPS] = "https", [ABI_DNS_ANY] = "any", [ABI_DNS_OTHER] = "other")

WORDS(metric_dns_rcode, ABI_DNS_RCODE_MAX, [ABI_DNS_NOERROR] = "noerror", [ABI_DNS_NXDOMAIN] = "nxdomain",
      [ABI_DNS_SERVFAIL] = "servfail", [ABI_DNS_REFUSED] = "refused", [ABI_DNS_RCODE_OTHER] = "other")

WORDS(metric_handshake, ABI_HANDSHAKE_MAX, [ABI_HANDSHAKE_SENT] = "sent", [ABI_HANDSHAKE_RECEIVED] = "received")

WORDS(metric_tunnel_state, TUNNEL_STATE_MAX, [TUNNEL_NO_INTERFACE] = "no_interface", [TUNNEL_NO_PEER] = "no_peer",
      [TUNNEL_NEVER] = "never", [TUNNEL_UP] = "up", [TUNNEL_IDLE] = "idle", [TUNNEL_STALE] = "stale")
