/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last minutes were like, from totals that are remembered at equal steps (struct rates).
 * Time is given to it, in CLOCK_MONOTONIC. A reading that comes late, after the collector was away,
 * is spread evenly over the steps that it missed; a total that fell began anew and counts as no
 * change; a clock that went back begins anew as a whole.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/snapshot.h"
#include <wgsocks/abi.h>

/*
 * Remembers the totals. When nothing is remembered (of this generation): what they hold already is
 * of now if `fresh` (they began to count just now too), else of long ago.
 */
void rates_remember(struct rates *rates, const struct rate_totals *totals, uint32_t generation,
		    bool fresh, uint64_t now_ns);

/*
 * What was counted in the five minutes before the last reading, to a step more; or since the
 * beginning.
 */
void rates_window(const struct rates *rates, struct rate_counts *window);

/*
 * Bytes received in the busiest ten seconds of the ten minutes before the last reading, in steps of
 * 1 s.
 */
uint64_t rates_busiest(const struct rates *rates);

/* The steps before the last reading, as far as they are remembered; the name is left as it is. */
void rates_history(const struct rates *rates, struct sample_history *history);

/* Percent, 100 without any outcome. */
double rates_success(const struct rate_counts *window);

/* The median in seconds; false without connects. */
bool rates_median(const struct rate_counts *window, double *seconds);

/* The mean in seconds; false when none closed. */
bool rates_lifetime(const struct rate_counts *window, double *seconds);
