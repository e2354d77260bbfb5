// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"
#include <wgsocks/time.h>

/* METRIC_… by direction. */
static const unsigned int bytes_families[] = { METRIC_VPN_RECEIVE_BYTES, METRIC_VPN_TRANSMIT_BYTES };
static const unsigned int packets_families[] = { METRIC_VPN_RECEIVE_PACKETS, METRIC_VPN_TRANSMIT_PACKETS };

static void add_traffic(const struct reading *r, uint32_t interface, const struct tunnel_counters *c, uint64_t *bytes)
{
	for (int d = 0; d < ABI_DIRECTION_MAX; d++) {
		for (int f = 0; f < ABI_FAMILY_MAX; f++) {
			uint32_t family = snapshot_string(r->to, metric_network_family(f));

			for (int p = 0; p < ABI_PROTOCOL_MAX; p++) {
				const struct traffic *t = &ABI_TRAFFIC(c, d, f, p);
				uint32_t labels[] = { r->name, interface, family,
						      snapshot_string(r->to, metric_protocol(p)) };

				snapshot_add_unsigned(r->to, bytes_families[d], labels, t->bytes);
				snapshot_add_unsigned(r->to, packets_families[d], labels, t->packets);
				*bytes += t->bytes;
			}
		}
	}
}

int samples_interface(const struct reading *r)
{
	const struct proxy_netns *netns = r->netns;
	uint64_t bytes = netns->map_entry.retired_bytes;

	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		struct tunnel_counters counters;
		uint32_t labels[2] = { r->name };
		int e;

		if (!tunnel_shown(netns, tunnel_index))
			continue;
		e = kernel_tunnel_read(r->kernel, netns->slot * ABI_TUNNELS_MAX + tunnel_index, &counters);
		if (e)
			return e;
		labels[1] = snapshot_string(r->to, tunnel_name(netns, tunnel_index));
		snapshot_add_float(r->to, METRIC_VPN_UNWATCHED, labels,
				   (double)netns->map_entry.tunnels[tunnel_index].unwatched_ns / NS_PER_S);
		add_traffic(r, labels[1], &counters, &bytes);
	}
	snapshot_add_unsigned(r->to, METRIC_PROXY_BYTES, &r->name, bytes);
	return 0;
}
