// SPDX-License-Identifier: Apache-2.0
/* Metrics of later versions of the legacy exporter, about the last minutes. */
#include "collector/readers/rates.h"
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

static uint64_t histogram_count(const struct abi_histogram *h)
{
	uint64_t count = 0;

	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		count += h->buckets[i];
	return count;
}

static int received_read(const struct kernel *kernel, const struct proxy_netns *netns, __u64 *bytes)
{
	*bytes = 0;
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		struct tunnel_counters counters;
		const struct traffic *traffic = &ABI_TRAFFIC(&counters, ABI_RECEIVE, 0, 0);
		int r;

		if (!netns->map_entry.tunnels[tunnel_index].name[0])
			continue;
		r = kernel_tunnel_read(kernel, netns->slot * ABI_TUNNELS_MAX + tunnel_index,
				       &counters);
		if (r)
			return r;
		for (int i = 0; i < ABI_FAMILY_MAX * ABI_PROTOCOL_MAX; i++)
			*bytes += traffic[i].bytes;
	}
	return 0;
}

static int remember(const struct kernel *kernel, const struct proxy_netns *netns, uint64_t now_ns)
{
	const struct proxy_counters *c = &kernel->counters[netns->slot];
	struct rate_totals totals = {};
	uint64_t failures = 0;
	int r = received_read(kernel, netns, &totals.received);

	if (r)
		return r;
	for (int i = 0; i < ABI_FAILURE_MAX; i++)
		failures += ABI_AT(__u64, c->failures, i);
	totals.counts.failures = (uint32_t)failures;
	totals.counts.successes = (uint32_t)c->successes;
	totals.counts.closed = (uint32_t)histogram_count(&c->connection_duration);
	totals.counts.closed_ns = c->connection_duration.sum_ns;
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		totals.counts.connects[i] = (uint32_t)c->upstream_connect_duration.buckets[i];
	rates_remember(&kernel->rates[netns->slot], &totals, netns->map_entry.generation,
		       !kernel->taken_over, now_ns);
	return 0;
}

void compat_remember(struct kernel *kernel, const struct proxy_netns *netns, uint64_t now_ns)
{
	if (kernel->rates)
		remember(kernel, netns, now_ns);
}

int samples_compat(const struct reading *r)
{
	const struct rates *rates = &r->kernel->rates[r->netns->slot];
	struct rate_counts window;
	double value;
	int error = remember(r->kernel, r->netns, clock_now_ns()); /* up to now */

	if (error)
		return error;
	rates_window(rates, &window);
	snapshot_add_float(r->to, METRIC_COMPAT_SUCCESS_RATE, &r->name, rates_success(&window));
	if (rates_median(&window, &value))
		snapshot_add_float(r->to, METRIC_COMPAT_LATENCY, &r->name, value * 1e3);
	snapshot_add_float(r->to, METRIC_COMPAT_SPEED, &r->name,
			   (double)rates_busiest(rates) * 8 / 10 / 1e6);
	if (rates_lifetime(&window, &value))
		snapshot_add_float(r->to, METRIC_COMPAT_DURATION, &r->name, value);
	return 0;
}

void samples_history(const struct reading *r)
{
	struct sample_history *history;

	if (!r->kernel->rates || !r->netns->started ||
	    remember(r->kernel, r->netns, clock_now_ns()))
		return;
	history = snapshot_add_history(r->to, r->name);
	if (history)
		rates_history(&r->kernel->rates[r->netns->slot], history);
}
