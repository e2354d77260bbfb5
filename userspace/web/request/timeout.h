/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * How long a scrape may take, in ns: what X-Prometheus-Scrape-Timeout-Seconds says (NULL: there is none; 10 s then, and
 * when it is no such number), less a margin for the way back.
 */
uint64_t scrape_timeout_ns(const char *seconds);
