// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"
#include "lib/time.h"

/* METRIC_… by direction. */
static const unsigned int bytes_families[] = { METRIC_VPN_RECEIVE_BYTES,
					       METRIC_VPN_TRANSMIT_BYTES };
static const unsigned int packets_families[] = { METRIC_VPN_RECEIVE_PACKETS,
						 METRIC_VPN_TRANSMIT_PACKETS };

static void add_traffic(const struct reading *r, uint32_t interface,
			const struct tunnel_counters *c, uint64_t *bytes)
{
	for (int d = 0; d < ABI_DIRECTION_MAX; d++) {
		for (int f = 0; f < ABI_FAMILY_MAX; f++) {
			uint32_t family = snapshot_string(r->to, metric_network_family(f));

			for (int p = 0; p < ABI_PROTOCOL_MAX; p++) {
				const struct traffic *t = &ABI_TRAFFIC(c, d, f, p);
				uint32_t labels[] = { r->name, interface, family,
						      snapshot_string(r->to, metric_protocol(p)) };

				snapshot_add_unsigned(r->to, bytes_families[d], labels, t->bytes);
				snapshot_add_unsigned(r->to, packets_families[d], labels,
						      t->packets);
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
		e = kernel_tunnel_read(r->kernel, netns->slot * ABI_TUNNELS_MAX + tunnel_index,
				       &counters);
		if (e)
			return e;
		labels[1] = snapshot_string(r->to, tunnel_name(netns, tunnel_index));
		snapshot_add_float(r->to, METRIC_VPN_UNWATCHED, labels,
				   (double)netns->map_entry.tunnels[tunnel_index].unwatched_ns /
					   NS_PER_S);
		add_traffic(r, labels[1], &counters, &bytes);
	}
	snapshot_add_unsigned(r->to, METRIC_PROXY_BYTES, &r->name, bytes);
	return 0;
}

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
		snapshot_add_histogram(to, METRIC_VPN_HANDSHAKE_DURATION, labels,
				       ABI_BOUNDS_LATENCY, &h->duration);
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

static void add_state(const struct reading *r, uint32_t interface, enum tunnel_state state)
{
	for (unsigned int i = 0; i < TUNNEL_STATE_MAX; i++) {
		uint32_t labels[] = { r->name, interface,
				      snapshot_string(r->to, metric_tunnel_state(i)) };

		snapshot_add_unsigned(r->to, METRIC_VPN_TUNNEL_STATE, labels, i == state);
	}
}

static void add_peer(const struct reading *r, uint32_t interface,
		     const struct wireguard_device *device, const struct wireguard_peer *peer)
{
	struct snapshot_builder *to = r->to;
	char key[WIREGUARD_KEY_TEXT_SIZE];
	uint32_t labels[5] = { r->name, interface };

	wireguard_key_text(peer->public_key, key);
	labels[2] = snapshot_string(to, key);
	labels[3] = snapshot_string(to, peer->address);
	labels[4] = snapshot_string(to, wireguard_allowed(device, peer));
	snapshot_add_unsigned(to, METRIC_VPN_PEER_INFO, labels, 1);
	snapshot_add_unsigned(to, METRIC_VPN_PEER_RECEIVE_BYTES, labels, peer->receive_bytes);
	snapshot_add_unsigned(to, METRIC_VPN_PEER_TRANSMIT_BYTES, labels, peer->transmit_bytes);
	snapshot_add_unsigned(to, METRIC_VPN_PEER_KEEPALIVE, labels, peer->keepalive_sec);
	if (peer->handshake_sec || peer->handshake_nsec)
		snapshot_add_unsigned(to, METRIC_VPN_PEER_HANDSHAKE, labels, peer->handshake_sec);
}

static int first_error(const struct wireguard *wireguard)
{
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		if (wireguard->tunnels[tunnel_index].error)
			return wireguard->tunnels[tunnel_index].error;
	}
	return 0;
}

int samples_wireguard(const struct reading *r)
{
	const struct wireguard *wireguard = &r->netns->wireguard;
	/* Those of a node were read together before. */
	int e = r->netns->remote ? first_error(wireguard) : proxy_netns_wireguard(r->netns);

	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct wireguard_tunnel *t = &wireguard->tunnels[tunnel_index];
		uint32_t interface;

		if (!tunnel_shown(r->netns, tunnel_index) || t->error)
			continue;
		interface = snapshot_string(r->to, tunnel_name(r->netns, tunnel_index));
		add_state(r, interface, t->state);
		for (uint32_t i = 0; i < t->device.count; i++)
			add_peer(r, interface, &t->device, &t->device.peers[i]);
	}
	return -e; /* a failed tunnel has no samples; those of the others are valid */
}
