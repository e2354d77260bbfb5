// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

uint64_t requests_total(const struct proxy_counters *counters)
{
	uint64_t sum = 0;

	for (int i = 0; i < ABI_COMMAND_MAX; i++)
		sum += ABI_AT(__u64, counters->requests, i);
	return sum;
}

int samples_requests(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];
	struct snapshot_builder *to = r->to;
	uint64_t failed = 0;

	/* Outcomes before requests: a reader between the two never sees more outcomes than requests. */
	for (int i = 0; i < ABI_FAILURE_MAX; i++) {
		uint64_t n = __atomic_load_n(&ABI_AT(__u64, c->failures, i), __ATOMIC_ACQUIRE);
		uint32_t labels[] = { r->name, snapshot_string(to, metric_failure(i)) };

		snapshot_add_unsigned(to, METRIC_PROXY_REQUEST_FAILURES, labels, n);
		failed += n;
	}
	snapshot_add_unsigned(to, METRIC_PROXY_REQUESTS_FAILED, &r->name, failed);
	snapshot_add_unsigned(to, METRIC_PROXY_REQUESTS_SUCCESSFUL, &r->name,
			      __atomic_load_n(&c->successes, __ATOMIC_ACQUIRE));
	for (int i = 0; i < ABI_COMMAND_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_command(i)) };

		snapshot_add_unsigned(to, METRIC_PROXY_REQUESTS, labels, ABI_AT(__u64, c->requests, i));
	}
	for (int i = 0; i < ABI_OUTCOME_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_outcome(i)) };

		snapshot_add_histogram(to, METRIC_PROXY_REQUEST_DURATION, labels, ABI_BOUNDS_LATENCY,
				       &ABI_AT(struct abi_histogram, c->request_duration, i));
	}
	snapshot_add_unsigned(to, METRIC_PROXY_REQUEST_RATE, &r->name,
			      window_requests(r->kernel, r->netns->slot, r->second));
	return 0;
}
