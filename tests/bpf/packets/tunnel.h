/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the tunnel, with their expected counts. */
#pragma once

#include "cases.h"

/* Counts `packets` of `bytes` in all that the next tunnel_check must find. */
void tunnel_want(enum abi_direction direction, int version, enum abi_protocol protocol,
		 uint64_t packets, uint64_t bytes);
/* Of these, so many bytes have a destination's series of their own. */
void tunnel_want_own(enum abi_direction direction, uint64_t bytes);
void tunnel_send(struct kernel *kernel, enum abi_direction direction, const struct frame *frame,
		 uint32_t gso_size);

/* Resets all counters. `index` is the tunnel index of the packets that follow. */
void tunnel_begin(struct kernel *kernel, uint32_t index);

/* Compares all series of all tunnels with the expected counts. */
void tunnel_check(struct kernel *kernel);

/*
 * A packet of this transport protocol (TCP and UDP with their headers) and so many bytes of
 * payload.
 */
void tunnel_frame(struct frame *frame, const struct frame_shape *shape, uint8_t protocol,
		  size_t payload);
