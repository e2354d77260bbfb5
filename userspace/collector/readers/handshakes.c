// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

int samples_handshakes(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];
	struct snapshot_builder *to = r->to;

	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct handshake_counters *h = &c->handshakes[tunnel_index];
		uint32_t labels[3] = { r->name };

		if (!tunnel_shown(r->netns, tunnel_index))
			continue;
		labels[1] = snapshot_string(to, tunnel_name(r->netns, tunnel_index));
		snapshot_add_histogram(to, METRIC_VPN_HANDSHAKE_DURATION, labels, ABI_BOUNDS_LATENCY, &h->duration);
		for (int i = 0; i < ABI_HANDSHAKE_MAX; i++) {
			labels[2] = snapshot_string(to, metric_handshake(i));
			snapshot_add_unsigned(to, METRIC_VPN_HANDSHAKE_INITIATIONS, labels,
					      ABI_AT(__u64, h->initiations, i));
			snapshot_add_unsigned(to, METRIC_VPN_HANDSHAKE_RESPONSES, labels,
					      ABI_AT(__u64, h->responses, i));
		}
	}
	return 0;
}
