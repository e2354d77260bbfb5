/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the samples of several snapshots into the order of the metric table. */
#pragma once

#include "lib/exposition/exposition.h"
#include "lib/metrics/metrics.h"

/* Family f is order[starts[f]] … order[starts[f + 1] - 1], in the order in which its part has them. */
struct family_starts {
	size_t starts[METRIC_MAX + 1];
};

#define ORDER_PART(entry) ((entry) >> 32)
#define ORDER_INDEX(entry) ((uint32_t)(entry))

/* Fills e->order and *s. Returns 0 or -ENOMEM. */
int order_fill(struct exposition *e, struct family_starts *s, const struct snapshot *parts, size_t part_count);
