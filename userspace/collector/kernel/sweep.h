/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no packet ends: DNS queries that nobody answered (each is counted), and TCP connections to a
 * DNS server that are silent. Costs nothing while there are none, else two system calls for each.
 */
#pragma once

#include "collector/kernel/kernel.h"

void sweep_dns(struct kernel *kernel, uint64_t now_ns);

/* Entries of the two maps now, by the gauges of all slots. */
int64_t sweep_dns_pending(const struct kernel *kernel);
int64_t sweep_dns_streams(const struct kernel *kernel);

/* Handshakes on a port that was no device's when they passed. */

/*
 * What passed on each tunnel's port (0: none is known) is that tunnel's; what nobody claimed for
 * seconds is dropped.
 */
void unclaimed_settle(struct kernel *kernel, uint32_t slot, const uint16_t ports[ABI_TUNNELS_MAX],
		      uint64_t now_ns);
