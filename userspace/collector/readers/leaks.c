// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

int samples_leaks(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];

	snapshot_add_unsigned(r->to, METRIC_LEAKED_CONNECTIONS, &r->name, c->leaked_connections);
	snapshot_add_unsigned(r->to, METRIC_LEAKED_DNS, &r->name, c->leaked_dns);
	return 0;
}
