/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tunnel's state is, judged by what its peers' counters did from one reading to the next.
 * Pure.
 */
#pragma once

#include "collector/wireguard/device.h"
#include "lib/metrics/tunnel.h"

/* Of one peer. */
struct wireguard_memory {
	uint8_t public_key[WIREGUARD_KEY_SIZE];
	uint64_t receive_bytes;
	uint64_t transmit_bytes;
	uint64_t asked_ns; /* the first sending since the last answer; 0: nothing is unanswered */
	uint64_t last_asked_ns; /* the last one */
	uint64_t sent_ns;	/* when anything was last seen to be sent; 0: never */
};

/* Of a device: by public key, as the device's peers are. Zero-initialise. */
struct wireguard_history {
	struct wireguard_memory *peers, *next;
	uint32_t count, max;
	uint64_t at_ns; /* of the last reading; 0: none */
};

/*
 * Notes a reading; the device is finished, `now_ns` is of CLOCK_MONOTONIC. Peers that went are
 * forgotten. Returns 0 or -ENOMEM.
 */
int wireguard_history_note(struct wireguard_history *history, const struct wireguard_device *device,
			   uint64_t now_ns);

/* Forgets all: the device is another one. */
void wireguard_history_reset(struct wireguard_history *history);
void wireguard_history_free(struct wireguard_history *history);

/* The state of one peer. `now_sec` is of CLOCK_REALTIME. */
enum tunnel_state wireguard_peer_state(const struct wireguard_peer *peer,
				       const struct wireguard_memory *memory, uint64_t now_ns,
				       uint64_t now_sec);

/*
 * The state of a device that was just noted: that of the peer that has the default route, else of
 * the worst one (stale, never, idle, up). Of two that share it (IPv4 and IPv6), the worse.
 */
enum tunnel_state wireguard_device_state(const struct wireguard_device *device,
					 const struct wireguard_history *history, uint64_t now_ns,
					 uint64_t now_sec);
