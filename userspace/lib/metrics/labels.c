// SPDX-License-Identifier: Apache-2.0
/* The values of the closed label sets, from their tables (wgsocks/abi_labels.h, tunnel.h). */
#include "lib/metrics/metrics.h"
#include "lib/metrics/tunnel.h"
#include <wgsocks/abi.h>

#define WORD_(id, word) #word,
#define WORDS(function, set)                                                         \
	const char *function(unsigned int value)                                     \
	{                                                                            \
		static const char *const words[] = { set(WORD_) };                   \
                                                                                     \
		return value < sizeof(words) / sizeof(*words) ? words[value] : NULL; \
	}

WORDS(metric_command, ABI_COMMANDS)
WORDS(metric_failure, ABI_FAILURES)
WORDS(metric_upstream_failure, ABI_UPSTREAM_FAILURES)
WORDS(metric_side, ABI_SIDES)
WORDS(metric_loss, ABI_LOSSES)
WORDS(metric_outcome, ABI_OUTCOMES)
WORDS(metric_network_family, ABI_FAMILIES)
WORDS(metric_protocol, ABI_PROTOCOLS)
WORDS(metric_path, ABI_PATHS)
WORDS(metric_dns_type, ABI_DNS_TYPES)
WORDS(metric_dns_rcode, ABI_DNS_RCODES)
WORDS(metric_handshake, ABI_HANDSHAKES)
WORDS(metric_tunnel_state, TUNNEL_STATES)
