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

	/* Outcomes before requests: then a scrape never shows more outcomes than requests. */
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

		snapshot_add_unsigned(to, METRIC_PROXY_REQUESTS, labels,
				      ABI_AT(__u64, c->requests, i));
	}
	for (int i = 0; i < ABI_OUTCOME_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_outcome(i)) };

		snapshot_add_histogram(to, METRIC_PROXY_REQUEST_DURATION, labels,
				       ABI_BOUNDS_LATENCY,
				       &ABI_AT(struct abi_histogram, c->request_duration, i));
	}
	snapshot_add_unsigned(to, METRIC_PROXY_REQUEST_RATE, &r->name,
			      window_requests(r->kernel, r->netns->slot, r->second));
	return 0;
}

/*
 * The requests total at the end of each second, in a ring in a map that outlives the collector. So
 * rates over the last minute survive its restart. Only counters are stored: nothing is reset,
 * nothing drifts.
 */

#define WINDOW_SECONDS 60

void window_remember(struct kernel *kernel, uint32_t slot, uint64_t second)
{
	struct window_sample *s = &kernel->windows[slot].samples[second % ABI_WINDOW_SECONDS];

	if (s->second == second)
		return;
	s->requests = requests_total(&kernel->counters[slot]);
	s->second = second;
}

uint64_t window_requests(const struct kernel *kernel, uint32_t slot, uint64_t second)
{
	const struct window_sample *base = NULL;
	uint64_t now = requests_total(&kernel->counters[slot]), before;

	/*
	 * The newest sample that is at least a minute old; none: we have counted for less than a
	 * minute.
	 */
	for (int i = 0; i < ABI_WINDOW_SECONDS; i++) {
		const struct window_sample *s = &kernel->windows[slot].samples[i];

		if (s->second && s->second + WINDOW_SECONDS <= second &&
		    (!base || s->second > base->second))
			base = s;
	}
	before = base ? base->requests : 0;
	return now > before ? now - before : 0;
}

/* A gauge can be read while two CPUs change it: limit it to 0. */
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
	snapshot_add_unsigned(to, METRIC_PROXY_UPSTREAM_ACTIVE, &r->name,
			      gauge(c->upstream_active));
	snapshot_add_histogram(to, METRIC_PROXY_UPSTREAM_DURATION, &r->name, ABI_BOUNDS_LATENCY,
			       &c->upstream_connect_duration);
	for (int i = 0; i < ABI_UPSTREAM_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_upstream_failure(i)) };

		snapshot_add_unsigned(to, METRIC_PROXY_UPSTREAM_FAILURES, labels,
				      ABI_AT(__u64, c->upstream_failures, i));
	}
	for (int i = 0; i < ABI_SIDE_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_side(i)) };

		snapshot_add_unsigned(to, METRIC_PROXY_RETRANSMITS, labels,
				      ABI_AT(__u64, c->retransmits, i));
	}
	return 0;
}

static void add_path(const struct reading *r, enum abi_path path, const struct dns_counters *c)
{
	struct snapshot_builder *to = r->to;
	uint32_t path_label = snapshot_string(to, metric_path(path)),
		 of_path[] = { r->name, path_label };

	/* Responses before queries: then a scrape never shows more responses than queries. */
	snapshot_add_unsigned(to, METRIC_DNS_UNANSWERED, of_path,
			      __atomic_load_n(&c->unanswered, __ATOMIC_ACQUIRE));
	snapshot_add_histogram(to, METRIC_DNS_DURATION, of_path, ABI_BOUNDS_LATENCY, &c->duration);
	for (int i = 0; i < ABI_DNS_RCODE_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_dns_rcode(i)),
				      path_label };

		snapshot_add_unsigned(
			to, METRIC_DNS_RESPONSES, labels,
			__atomic_load_n(&ABI_AT(__u64, c->responses, i), __ATOMIC_ACQUIRE));
	}
	for (int i = 0; i < ABI_DNS_TYPE_MAX; i++) {
		uint32_t labels[] = { r->name, snapshot_string(to, metric_dns_type(i)),
				      path_label };

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

int samples_leaks(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];

	snapshot_add_unsigned(r->to, METRIC_LEAKED_CONNECTIONS, &r->name, c->leaked_connections);
	snapshot_add_unsigned(r->to, METRIC_LEAKED_DNS, &r->name, c->leaked_dns);
	return 0;
}
