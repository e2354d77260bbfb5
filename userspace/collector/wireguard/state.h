/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Determines the state of a tunnel from changes of the counters of its peers between readings.
 * Pure.
 */
#pragma once

#include "collector/wireguard/device.h"
#include "lib/metrics/tunnel.h"

/* Counters and times of one peer at the last reading. */
struct wireguard_memory {
	uint8_t public_key[WIREGUARD_KEY_SIZE];
	uint64_t receive_bytes;
	uint64_t transmit_bytes;
	uint64_t asked_ns;	/* first sending since the last answer; 0: nothing is unanswered */
	uint64_t last_asked_ns; /* last such sending */
	uint64_t sent_ns;	/* last time a sending was seen; 0: never */
};

/* The peers of a device at the last reading, sorted by public key. Zero-initialise. */
struct wireguard_history {
	struct wireguard_memory *peers, *next;
	uint32_t count, max;
	uint64_t at_ns; /* last reading; 0: none */
};

/*
 * Stores a reading of a finished device; `now_ns` is CLOCK_MONOTONIC. Forgets peers that are gone.
 * Returns 0 or -ENOMEM.
 */
int wireguard_history_note(struct wireguard_history *history, const struct wireguard_device *device,
			   uint64_t now_ns);

/* Forgets everything: another device took its place. */
void wireguard_history_reset(struct wireguard_history *history);
void wireguard_history_free(struct wireguard_history *history);

/* Returns the state of one peer. `now_sec` is CLOCK_REALTIME. */
enum tunnel_state wireguard_peer_state(const struct wireguard_peer *peer,
				       const struct wireguard_memory *memory, uint64_t now_ns,
				       uint64_t now_sec);

/*
 * Returns the state of a device after its reading was stored. It is the state of the peer with the
 * default route, or the worst of all peers (stale, never, idle, up). If two peers have a default
 * route (IPv4 and IPv6), the worse counts.
 */
enum tunnel_state wireguard_device_state(const struct wireguard_device *device,
					 const struct wireguard_history *history, uint64_t now_ns,
					 uint64_t now_sec);
