/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps of destinations: made only where they are on, and moved when --destinations.max has
 * changed.
 */
#pragma once

#include "collector/kernel/kernel.h"

/*
 * Between open and load: sizes, or no maps at all. Pins of another size are taken off, and held.
 * Returns 0 or -errno.
 */
int kernel_destinations_prepare(struct kernel *kernel);

/* After load: the memory of the maps (kernel->destinations, by slot). Returns 0 or -errno. */
int kernel_destinations_share(struct kernel *kernel);

/* After the hand-over, when nobody counts in the former maps any more: moves what they hold. */
void kernel_destinations_move(struct kernel *kernel);

/* Of a slot whose proxy is gone. */
void kernel_destinations_clear(struct kernel *kernel, uint32_t slot);

void kernel_destinations_close(struct kernel *kernel);
