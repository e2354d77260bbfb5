// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

/* A gauge that is being changed by two CPUs may be read between them; it is never below 0. */
static uint64_t gauge(int64_t value)
{
	return value > 0 ? value : 0;
}

int samples_sessions(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];
	struct snapshot_builder *to = r->to;

	snapshot_add_unsigned(to, METRIC_PROXY_ACTIVE, &r->name, gauge(c->client_active));
	snapshot_add_unsigned(to, METRIC_PROXY_CLIENT_CONNECTIONS, &r->name, c->client_connections);
	snapshot_add_histogram(to, METRIC_PROXY_CONNECTION_DURATION, &r->name, ABI_BOUNDS_LIFETIME,
			       &c->connection_duration);
	snapshot_add_unsigned(to, METRIC_PROXY_UPSTREAM_CONNECTS, &r->name, c->upstream_connects);
	snapshot_add_unsigned(to, METRIC_PROXY_UPSTREAM_ACTIVE, &r->name, gauge(c->upstream_active));
	snapshot_add_histogram(to, METRIC_PROXY_UPSTREAM_DURATION, &r->name, ABI_BOUNDS_LATENCY,
			       &c->upstream_connect_duration);
	for (int i = 0; i < ABI_UPSTREAM_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_upstream_failure(i)) };

		snapshot_add_unsigned(to, METRIC_PROXY_UPSTREAM_FAILURES, labels,
				      ABI_AT(__u64, c->upstream_failures, i));
	}
	for (int i = 0; i < ABI_SIDE_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_side(i)) };

		snapshot_add_unsigned(to, METRIC_PROXY_RETRANSMITS, labels, ABI_AT(__u64, c->retransmits, i));
	}
	return 0;
}
