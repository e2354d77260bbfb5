// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

static void add_path(const struct reading *r, enum abi_path path, const struct dns_counters *c)
{
	struct snapshot_builder *to = r->to;
	uint32_t path_label = snapshot_string(to, metric_path(path)), of_path[] = { r->name, path_label };

	/* Answers before queries: a reader between the two never sees more answers than queries. */
	snapshot_add_unsigned(to, METRIC_DNS_UNANSWERED, of_path, __atomic_load_n(&c->unanswered, __ATOMIC_ACQUIRE));
	snapshot_add_histogram(to, METRIC_DNS_DURATION, of_path, ABI_BOUNDS_LATENCY, &c->duration);
	for (int i = 0; i < ABI_DNS_RCODE_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_dns_rcode(i)), path_label };

		snapshot_add_unsigned(to, METRIC_DNS_RESPONSES, labels,
				      __atomic_load_n(&ABI_AT(__u64, c->responses, i), __ATOMIC_ACQUIRE));
	}
	for (int i = 0; i < ABI_DNS_TYPE_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_dns_type(i)), path_label };

		snapshot_add_unsigned(to, METRIC_DNS_QUERIES, labels, ABI_AT(__u64, c->queries, i));
	}
}

int samples_dns(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];

	for (int path = 0; path < ABI_PATH_MAX; path++)
		add_path(r, path, &ABI_AT(struct dns_counters, c->dns, path));
	return 0;
}
