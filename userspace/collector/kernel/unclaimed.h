/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes on a port that was no device's when they passed. */
#pragma once

#include "collector/kernel/kernel.h"

/* What passed on each tunnel's port (0: none is known) is that tunnel's; what nobody claimed for seconds is dropped. */
void unclaimed_settle(struct kernel *kernel, uint32_t slot, const uint16_t ports[ABI_TUNNELS_MAX], uint64_t now_ns);
