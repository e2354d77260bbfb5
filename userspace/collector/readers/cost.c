// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

int samples_cost(const struct reading *r)
{
	const struct config *config = r->netns->config;
	uint32_t labels[] = { r->name, snapshot_string(r->to, config->cost_currency) };

	snapshot_add_float(r->to, METRIC_COST, labels, config->cost_per_gigabyte);
	return 0;
}
