/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates of the last minutes, from totals stored at equal steps (struct rates). The caller passes
 * the time (CLOCK_MONOTONIC). A late reading, after the collector was down, is spread evenly over
 * the missed steps. A total that decreased was reset and counts as no change. If the clock went
 * back, everything starts again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/snapshot.h"
#include <wgsocks/abi.h>

/*
 * Stores the totals. The first reading of a generation has no predecessor: with `fresh`, the totals
 * started at 0 just now; otherwise they count as old.
 */
void rates_remember(struct rates *rates, const struct rate_totals *totals, uint32_t generation,
		    bool fresh, uint64_t now_ns);

/*
 * Returns what was counted in the five minutes before the last reading (up to one step more), or
 * since the start.
 */
void rates_window(const struct rates *rates, struct rate_counts *window);

/*
 * Returns the bytes received in the busiest ten seconds of the ten minutes before the last reading,
 * in steps of 1 s.
 */
uint64_t rates_busiest(const struct rates *rates);

/* Writes the known steps before the last reading; does not change the name. */
void rates_history(const struct rates *rates, struct sample_history *history);

/* Returns the success rate in percent; 100 if no request ended. */
double rates_success(const struct rate_counts *window);

/* Computes the median in seconds; false if there were no connects. */
bool rates_median(const struct rate_counts *window, double *seconds);

/* Computes the mean in seconds; false if no connection closed. */
bool rates_lifetime(const struct rate_counts *window, double *seconds);
