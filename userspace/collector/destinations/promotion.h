/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses the destinations that get a series: the candidates with the most bytes in the votes of
 * the programs.
 */
#pragma once

#include "collector/kernel/destination_table.h"

/*
 * Returns the bytes that a candidate needs for the next series, given the `total` bytes of the
 * tunnels. The first quarter of the series is free, so that a few destinations always show. Each
 * further series costs a rising share of all bytes, up to 1/max for the last. So any number of
 * light addresses take little more than the free quarter (in the first seconds, while no address is
 * heavy). To fill the rest, addresses must carry more than a quarter of all bytes.
 */
uint64_t promotion_price(uint32_t count, uint32_t max, uint64_t total);

/*
 * Promotes the candidates that reach the price, heaviest first, and removes them from the
 * candidates. `label` returns the name of an address or NULL; it may be NULL. Returns the number
 * promoted.
 */
typedef const char *promotion_label(void *context, const __u64 address[2]);
unsigned int promotion_run(struct destination_table *table, uint64_t total, promotion_label *label,
			   void *context);
