// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

static void add_state(const struct reading *r, uint32_t interface, enum tunnel_state state)
{
	for (unsigned int i = 0; i < TUNNEL_STATE_MAX; i++) {
		uint32_t labels[] = { r->name, interface, snapshot_string(r->to, metric_tunnel_state(i)) };

		snapshot_add_unsigned(r->to, METRIC_VPN_TUNNEL_STATE, labels, i == state);
	}
}

static void add_peer(const struct reading *r, uint32_t interface, const struct wireguard_device *device,
		     const struct wireguard_peer *peer)
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
	/* Those of a node were read together, before. */
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
	return -e; /* one that cannot be read is left out: what is shown of the others holds */
}
