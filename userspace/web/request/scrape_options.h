/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * collect[]=NAME and exclude[]=NAME of a scrape: which collectors it wants, as node_exporter reads
 * them.
 */

#define COLLECT_WHY_SIZE 160

/* Set `on` to the collectors that are on (bits of enum config_collector), the rest to 0. */
struct collect {
	uint32_t on;
	uint32_t wanted, excluded;
	char why[COLLECT_WHY_SIZE]; /* "", or the line that says why the scrape is refused */
};

/*
 * Takes one argument of the query, decoded (any bytes; `value` may be NULL); others than these two
 * are passed over. Returns 0, or -EINVAL with `why` set: unknown collector, one that is off and
 * wanted, or both kinds together.
 */
int collect_argument(struct collect *collect, const char *key, size_t key_size, const char *value,
		     size_t value_size);

/* The collectors that are to be read. */
uint32_t collect_mask(const struct collect *collect);

/*
 * How long a scrape may take, in ns: what X-Prometheus-Scrape-Timeout-Seconds says (NULL: there is
 * none; 10 s then, and when it is no such number), less a margin for the way back.
 */
uint64_t scrape_timeout_ns(const char *seconds);
