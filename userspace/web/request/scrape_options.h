/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The query of a scrape: collect[]=NAME and exclude[]=NAME select collectors, as in node_exporter.
 */

#define COLLECT_WHY_SIZE 160

/* Set `on` to the enabled collectors (bits of enum config_collector), the rest to 0. */
struct collect {
	uint32_t on;
	uint32_t wanted, excluded;
	char why[COLLECT_WHY_SIZE]; /* why the scrape is refused, one line; "": it is not */
};

/*
 * Takes one decoded argument of the query (any bytes; `value` may be NULL). Other keys are ignored.
 * Returns 0, or -EINVAL with `why` set: unknown collector, collect[] of a disabled one, or both
 * keys in one query.
 */
int collect_argument(struct collect *collect, const char *key, size_t key_size, const char *value,
		     size_t value_size);

/* The selected collectors. */
uint32_t collect_mask(const struct collect *collect);

/*
 * How long a scrape may take, in ns. `seconds` is the value of X-Prometheus-Scrape-Timeout-Seconds,
 * limited to 300 s; NULL or an invalid value means 10 s. A margin of 5 % (at most 0.5 s) for the
 * response is subtracted.
 */
uint64_t scrape_timeout_ns(const char *seconds);
