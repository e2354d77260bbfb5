/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps of destinations: created only if destinations are on, and copied after a change of
 * --destinations.max.
 */
#pragma once

#include "collector/kernel/kernel.h"

/*
 * Between open and load: sets the sizes, or disables the maps. Removes pins of another size and
 * keeps their maps open. Returns 0 or -errno.
 */
int kernel_destinations_prepare(struct kernel *kernel);

/* After load: maps the memory (kernel->destinations, by slot). Returns 0 or -errno. */
int kernel_destinations_share(struct kernel *kernel);

/* After the hand-over, when no program counts in the former maps: copies their content. */
void kernel_destinations_move(struct kernel *kernel);

/* Clears a slot whose proxy is gone. */
void kernel_destinations_clear(struct kernel *kernel, uint32_t slot);

void kernel_destinations_close(struct kernel *kernel);
