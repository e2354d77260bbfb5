/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends entries that no packet ends: unanswered DNS queries (each is counted) and silent TCP
 * connections to DNS servers. Costs nothing without entries, otherwise two system calls for each.
 */
#pragma once

#include "collector/kernel/kernel.h"

void sweep_dns(struct kernel *kernel, uint64_t now_ns);

/* Return the current entries of the two maps, by the gauges of all slots. */
int64_t sweep_dns_pending(const struct kernel *kernel);
int64_t sweep_dns_streams(const struct kernel *kernel);

/* Handshakes on a port that belonged to no known device when they passed. */

/*
 * Assigns handshakes to the tunnel with their port (`ports`; 0: not known). Drops those that no
 * tunnel claims within 30 s.
 */
void unclaimed_settle(struct kernel *kernel, uint32_t slot, const uint16_t ports[ABI_TUNNELS_MAX],
		      uint64_t now_ns);
